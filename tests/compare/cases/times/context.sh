mkdir -p tree/sub; echo o >tree/old; touch -t 199001010000 tree/old; ln -s old tree/l; touch -h -t 199101010000 tree/l; touch -t 199201010000 tree/sub; touch -t 199301010000 tree
