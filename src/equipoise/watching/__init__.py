"""The only code that touches somebody else's modules: roles, signals, probes."""
