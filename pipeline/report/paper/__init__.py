"""One page that sets every data set and model beside the paper's numbers."""
