"""Pictures of what was trained and of how it colours: one file per kind, each drawn from the run's own files.

Every kind has one or more functions that gather its figures, and `draw`, which makes a matplotlib figure (`figure.py`)
or a sheet of photographs (`sheet.py`) of them. The same input gives the same bytes.
"""
