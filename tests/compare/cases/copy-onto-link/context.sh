mkdir -p nested/to-deep; echo n >nested/to-deep/n
