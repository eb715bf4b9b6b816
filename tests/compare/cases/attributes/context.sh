mkdir in tree
echo a >in/coloured; echo c >in/capable
touch -t 200001010000 in/*
/usr/bin/python3 -c 'import os
os.setxattr("in/coloured", "user.colour", b"blue")
os.setxattr("in/capable", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
os.setxattr("in", "user.on-directory", b"yes")'
cp -a in/* tree
tar -C in --sort=name --xattrs --xattrs-include='*' -cf attributes.tar coloured capable
rm -rf in
