echo one >one
mkdir -p tree/sub; echo a >tree/a; ln -s a tree/link; chmod 0700 tree/sub
