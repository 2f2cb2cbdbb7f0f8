"""What `wfstore demo` brings along."""
