#include "dockerfile/git_remote.h"

#include <catch2/catch.hpp>

using namespace berth::dockerfile;

namespace {

GitRemote remote(const std::string& text) {
  auto parsed = parse_git_remote(text);
  REQUIRE(parsed.ok());
  REQUIRE(parsed->has_value());
  return **parsed;
}

bool is_git(const std::string& text) {
  auto parsed = parse_git_remote(text);
  return parsed.ok() && parsed->has_value();
}

}  // namespace

TEST_CASE("what is a repository and what is not") {
  for (const char* text : {"https://host/x.git", "http://host:8080/a/b.git#main", "git://host/x", "ssh://git@host/x",
                           "git@github.com:owner/name", "git@host:x.git#v1:sub", "github.com/owner/name"}) {
    CAPTURE(text);
    CHECK(is_git(text));
    CHECK(is_remote_context(text));
  }
  for (const char* text : {"https://host/x.tar.gz", "https://host/Dockerfile", ".", "-", "./git@host:x", "dir.git",
                           "/srv/x.git", "file:///srv/x.git", "ext::sh -c x", "../a@b:c", "-x@host:y/..\x1b",
                           "https://", "https:///x.git", "ftp://host/x.git"}) {
    CAPTURE(text);
    CHECK_FALSE(is_git(text));
  }
  CHECK(is_remote_context("https://host/x.tar.gz"));
  CHECK_FALSE(is_remote_context("file:///srv/x.git"));
}

TEST_CASE("reference and directory behind the address") {
  CHECK(remote("https://host/x.git").ref.empty());
  CHECK(remote("https://host/x.git#main").ref == "main");
  CHECK(remote("https://host/x.git#:sub/dir/").subdir == "sub/dir");
  GitRemote both = remote("git@host:x.git#v1.2:./a//b");
  CHECK(both.url == "git@host:x.git");
  CHECK(both.ref == "v1.2");
  CHECK(both.subdir == "a/b");
  CHECK(remote("github.com/owner/name#main").url == "https://github.com/owner/name");
  CHECK_FALSE(parse_git_remote("https://host/x.git#main:../..").ok());
  CHECK_FALSE(parse_git_remote("https://host/x.git?subdir=a/../..").ok());
}

TEST_CASE("the same as a query") {
  GitRemote tag = remote("https://host/x.git?tag=v1&subdir=a&submodules=false&keep-git-dir=1&checksum=0123abc");
  CHECK(tag.url == "https://host/x.git");
  CHECK(tag.ref == "refs/tags/v1");
  CHECK(tag.subdir == "a");
  CHECK(tag.checksum == "0123abc");
  CHECK_FALSE(tag.submodules);
  CHECK(tag.keep_git_dir == true);
  CHECK(remote("https://host/x.git?branch=main").ref == "refs/heads/main");
  CHECK_FALSE(parse_git_remote("https://host/x.git?brnach=main").ok());
  CHECK_FALSE(parse_git_remote("https://host/x.git?branch=main&tag=v1").ok());
  CHECK_FALSE(parse_git_remote("https://host/x.git?checksum=xyz").ok());
}

TEST_CASE("passwords are not shown") {
  CHECK(remote("https://me:secret@host/x.git").shown() == "https://me@host/x.git");
  CHECK(remote("https://host/x.git").shown() == "https://host/x.git");
  CHECK(remote("git@host:x").shown() == "git@host:x");
}

TEST_CASE("git goes to networks only") {
  CHECK(is_git_address("https://host/without-suffix"));
  CHECK(is_git_address("git@host:x"));
  for (const char* url :
       {"file:///etc", "/etc", "../x", "ext::sh", "host:path", "", "https://host", "https://h/a\nb"}) {
    CAPTURE(url);
    CHECK_FALSE(is_git_address(url));
  }
}
