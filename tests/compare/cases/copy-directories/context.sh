echo one >one.txt
echo two >two.txt
mkdir -p tree/sub/deeper empty sub/in; echo i >sub/in/i; chmod 0700 sub/in
echo a >tree/a; chmod 0640 tree/a
echo b >tree/b; chmod 4755 tree/b
echo f >tree/sub/f1; echo f >tree/sub/f2
echo d >tree/sub/deeper/d
chmod 2775 tree/sub; chmod 0700 tree/sub/deeper; chmod 0750 tree; chmod 1777 empty
chown 7:8 tree/a tree/sub
ln -s a tree/to-a; ln -s sub tree/to-sub; ln -s /etc/passwd tree/out; ln -s nowhere tree/dangling
ln tree/a tree/hard; ln tree/b tree/sub/hard-b
mkfifo tree/fifo
