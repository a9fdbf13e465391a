"""The learned functions of the model, each returning its own derivatives."""
