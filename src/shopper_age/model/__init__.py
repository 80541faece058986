"""The network: ResNet50 with heads for ages, its losses and weights."""
