cat >.dockerignore <<'X'
# a remark
*.log
!important.log
**/*.tmp
/build
docs
!docs/README.md
!docs/deep/**/keep
kept-inside/*
!kept-inside/k*
secret?
[xy].txt
  spaced  
node_modules/
Dockerfile
.dockerignore
a/b/
!a/b/c/d
X
mkdir -p docs/deep/er build/x sub/build kept-inside node_modules/m sub/node_modules a/b/c
for f in one.log important.log sub/two.log sub/x.tmp y.tmp build/x/o sub/build/o docs/README.md docs/OTHER.md docs/deep/keep docs/deep/er/keep docs/deep/er/drop \
  kept-inside/keep kept-inside/drop secret1 secret22 x.txt z.txt spaced node_modules/m/x sub/node_modules/x a/b/c/d a/b/c/e a/b/f; do echo "$f" >"$f"; done
chmod 0700 docs docs/deep
