"""One file per part of the report; each function draws one figure from a folder of results."""
