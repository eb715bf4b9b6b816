echo one >one
mkdir -p tree/sub nested/to-deep; echo a >tree/a; ln -s a tree/link; echo s >tree/sub/s
echo n >nested/to-deep/n
ln -s one link-to-one; ln -s tree link-to-tree
