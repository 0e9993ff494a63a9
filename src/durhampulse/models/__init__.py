"""The models: classical classifiers, the MLP, the CNN, and how they are trained."""
