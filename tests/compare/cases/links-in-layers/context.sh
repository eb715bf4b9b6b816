mkdir hard tree; echo x >hard/1; ln hard/1 hard/2
echo a >tree/attributes; echo c >tree/capable; echo s >tree/setuid; chmod 6755 tree/setuid
/usr/bin/python3 -c 'import os
os.setxattr("tree/attributes", "user.colour", b"blue")
os.setxattr("tree/capable", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
os.setxattr("tree", "user.on-directory", b"yes")'
