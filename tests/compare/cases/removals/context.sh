mkdir tree; echo a >tree/a; echo f >file
