"""The parameters of the API, and the models that take them."""
