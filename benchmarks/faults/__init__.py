"""An archive on a bad night: generated files, some of them broken, and runs that are killed until all is done."""
