mkdir -p in/a/b && echo 1 >in/a/one && ln in/a/one in/a/hard && ln -s one in/a/soft && ln -s /etc/passwd in/a/absolute && echo 2 >in/a/b/two
chmod 2750 in/a/b; chmod 4755 in/a/one; chown -R 11:12 in/a; touch -t 199902030405 in/a/b/two
find in -not -name two -exec touch -h -t 200001010000 {} +
tar -C in --sort=name -cf files.tar a && gzip -n -k files.tar && xz -k files.tar && bzip2 -k files.tar
mkdir -p over/a over/to-real; echo new >over/a/file; echo through >over/to-real/x; ln -s elsewhere over/becomes-link-new
echo replaced >over/out; chmod 0711 over/a
tar -C over --sort=name -cf over.tar .
echo one >one; echo plain | gzip >one.gz; rm -rf in over
