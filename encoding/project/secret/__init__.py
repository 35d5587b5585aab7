"""The shared secret: agreed on with other agencies, and the one in use."""
