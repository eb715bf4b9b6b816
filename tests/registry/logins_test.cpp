#include "registry/logins.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "registry/credential_helper.h"
#include "registry/docker_config.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::registry;

namespace {

DockerConfig config(const std::string& text) {
  return DockerConfig::parse(text, "config.json").value();
}

/// "user:password:identity token", "none", or the error.
std::string shown(const Result<std::optional<Credentials>>& credentials) {
  if (!credentials) return "error: " + credentials.error().message();
  if (!*credentials) return "none";
  return (*credentials)->user + ":" + (*credentials)->password + ":" + (*credentials)->identity_token;
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

/// A directory in $PATH with a credential helper that keeps what it is given in a file beside it.
class HelperInPath {
 public:
  HelperInPath() {
    std::string program = directory_ / "docker-credential-shelf";
    REQUIRE(sys::write_file_atomic(program, R"(#!/bin/sh
shelf=$(dirname "$0")/shelf
case $1 in
store) cat > "$shelf" ;;
get) read -r server; grep -q "\"$server\"" "$shelf" 2>/dev/null && cat "$shelf" && exit 0
     echo "credentials not found in native keychain"; exit 1 ;;
erase) rm "$shelf" 2>/dev/null || { echo "the shelf is stuck"; exit 1; } ;;
esac
)",
                                   sys::Durability::none, 0755)
                .ok());
    setenv("PATH", (directory_.path() + ":" + before_).c_str(), 1);
  }
  ~HelperInPath() { setenv("PATH", before_.c_str(), 1); }

 private:
  test::TempDir directory_;
  std::string before_ = getenv("PATH");
};

}  // namespace

TEST_CASE("a login is found under the keys that Docker writes and has written") {
  DockerConfig file = config(R"({"auths": {
    "ghcr.io": {"auth": "dXNlcjpwYTpzcw=="},
    "https://old.example/v1/": {"username": "u", "password": "p"},
    "https://index.docker.io/v1/": {"auth": "aHViOg==", "identitytoken": "idt"},
    "localhost:5000": {}
  }})");
  CHECK(shown(file.login("ghcr.io")) == "user:pa:ss:");
  CHECK(shown(file.login("old.example")) == "u:p:");
  CHECK(shown(file.login("docker.io")) == "hub::idt");
  CHECK(shown(file.login("registry-1.docker.io")) == "hub::idt");
  CHECK(shown(file.login("localhost:5000")) == "none");
  CHECK(file.mentions("localhost:5000"));
  CHECK(shown(file.login("localhost")) == "none");
  CHECK(shown(file.login("io")) == "none");
}

TEST_CASE("an entry that cannot be read is an error by its name and tells no secret") {
  DockerConfig file = config(
      R"({"auths": {"a": {"auth": "!secret!"}, "b": {"auth": "c2VjcmV0"}, "c": {"registrytoken": "secret"}, "d": 1}})");
  for (const char* host : {"a", "b", "c", "d"}) {
    std::string text = shown(file.login(host));
    CAPTURE(text);
    CHECK(text.find(std::string("config.json: auths: \"") + host + "\"") != std::string::npos);
    CHECK(text.find("ecret") == std::string::npos);
  }
}

TEST_CASE("a damaged config.json is an error with its place") {
  auto damaged = [](const char* text) { return DockerConfig::parse(text, "f").error().message(); };
  CHECK(damaged("{\n  \"auths\": {,}\n}") == "f:2:13: not valid JSON");
  CHECK(damaged("[]") == "f: expected a JSON object");
  CHECK(damaged(R"({"auths": []})") == "f: auths: expected an object");
  CHECK(DockerConfig::parse("", "f").ok());
}

TEST_CASE("credHelpers come before credsStore") {
  DockerConfig file =
      config(R"({"credsStore": "all", "credHelpers": {"ecr.example": "ecr", "https://index.docker.io/v1/": "hub"}})");
  CHECK(file.helper("ecr.example") == "ecr");
  CHECK(file.helper("docker.io") == "hub");
  CHECK(file.helper("other.example") == "all");
  CHECK(config("{}").helper("x").empty());
}

TEST_CASE("storing a login keeps all else in the file, its order and its mode") {
  test::TempDir directory;
  Logins logins(directory / "docker/config.json");
  CHECK(logins.store("ghcr.io", {"user", "pass", ""}).value());
  CHECK(mode_of(logins.path()) == 0600);
  CHECK(mode_of(directory / "docker") == 0700);

  std::string before =
      R"({"zeta": [1, 2], "auths": {"b": {"auth": "dTpw"}, "a": {"auth": "dTpw", "email": "e"}}, "currentContext": "x"})";
  REQUIRE(sys::write_file_atomic(logins.path(), before, sys::Durability::none, 0640).ok());
  CHECK(logins.store("docker.io", {"hub", "pass", ""}).value());
  CHECK(mode_of(logins.path()) == 0640);
  CHECK(sys::read_file(logins.path()).value() ==
        "{\n\t\"zeta\": [\n\t\t1,\n\t\t2\n\t],\n\t\"auths\": {\n\t\t\"b\": {\n\t\t\t\"auth\": "
        "\"dTpw\"\n\t\t},\n\t\t\"a\": {\n\t\t\t"
        "\"auth\": \"dTpw\",\n\t\t\t\"email\": \"e\"\n\t\t},\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": "
        "\"aHViOnBhc3M=\"\n\t\t}\n\t},\n\t\"currentContext\": \"x\"\n}");
  CHECK(shown(logins.find("docker.io")) == "hub:pass:");
  CHECK(logins.erase("docker.io").value());
  CHECK_FALSE(logins.erase("docker.io").value());
  CHECK(shown(logins.find("docker.io")) == "none");
  CHECK(shown(logins.find("a")) == "u:p:");
}

TEST_CASE("a config.json that is a symbolic link stays one") {
  test::TempDir directory;
  std::string real = directory / "real.json";
  REQUIRE(sys::write_file_atomic(real, "{}", sys::Durability::none, 0600).ok());
  std::filesystem::create_symlink(real, directory / "config.json");
  Logins logins(directory / "config.json");
  CHECK(logins.store("a", {"u", "p", ""}).ok());
  CHECK(std::filesystem::is_symlink(logins.path()));
  CHECK(shown(Logins(real).find("a")) == "u:p:");
}

TEST_CASE("with a credential helper the file never sees the password") {
  HelperInPath helper;
  test::TempDir directory;
  Logins logins(directory / "config.json");
  REQUIRE(sys::write_file_atomic(logins.path(), R"({"credsStore": "shelf"})", sys::Durability::none, 0600).ok());
  CHECK(shown(logins.find("a.example")) == "none");
  CHECK_FALSE(logins.store("a.example", {"user", "pass", ""}).value());
  CHECK(shown(logins.find("a.example")) == "user:pass:");
  CHECK(shown(logins.find("b.example")) == "none");
  CHECK_FALSE(logins.store("docker.io", {"user", "", "idt"}).value());
  CHECK(shown(logins.find("docker.io")) == "::idt");
  std::string text = sys::read_file(logins.path()).value();
  CHECK(text.find("pass") == std::string::npos);
  CHECK(text.find("idt") == std::string::npos);
  CHECK(text.find("\"a.example\": {}") != std::string::npos);
  CHECK(logins.erase("docker.io").value());
  CHECK(shown(logins.find("docker.io")) == "none");
  CHECK(logins.erase("docker.io").error().message() == "docker-credential-shelf erase: the shelf is stuck");
}

TEST_CASE("a credential helper that is missing is an error by its name") {
  CHECK(CredentialHelper("nowhere-to-be-found")
            .get("a")
            .error()
            .message()
            .find("docker-credential-nowhere-to-be-found") != std::string::npos);
  CHECK_FALSE(CredentialHelper("../../bin/true").get("a").ok());
}
