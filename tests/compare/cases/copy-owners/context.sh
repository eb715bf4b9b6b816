echo one >one
mkdir -p tree/sub; echo a >tree/a; echo b >tree/sub/b; chown -R 9:9 tree; ln -s a tree/link
