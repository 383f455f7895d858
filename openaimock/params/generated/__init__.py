"""Tables of parameters as the API's description gives them, one file for each resource; written by ``scripts/params``."""
