"""Moving pictures: films read, coloured and written. Needs the extra `video`."""
