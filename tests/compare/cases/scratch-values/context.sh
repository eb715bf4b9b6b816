echo f >file
