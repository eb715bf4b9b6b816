echo one >one
