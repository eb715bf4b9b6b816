#include "git/library.h"

#include <cstdlib>

#include "base/text.h"

namespace berth::git {

Library::Library() {
  git_libgit2_init();
  for (git_config_level_t level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_PROGRAMDATA})
    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
  git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);  // what is below berth's root is berth's
  if (const char* authorities = getenv("SSL_CERT_FILE"); authorities != nullptr)
    git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, authorities, nullptr);
}

Error failure(const std::string& attempt) {
  const git_error* last = git_error_last();
  return make_error(attempt + ": " + (last == nullptr ? "git does not say why" : printable(last->message)));
}

std::string hex(const git_oid& id) {
  char text[GIT_OID_HEXSZ + 1];
  return git_oid_tostr(text, sizeof text, &id);
}

}  // namespace berth::git
