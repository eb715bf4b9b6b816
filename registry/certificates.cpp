#include "registry/certificates.h"

#include <fmt/core.h>

#include "sys/file.h"

namespace berth::registry {
namespace {

constexpr size_t kLimit = 4 << 20;

/// The name without the suffix; empty if it ends otherwise.
std::string stem(const std::string& name, const std::string& suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : "";
}

Status add_directory(Trust& trust, const std::string& directory) {
  BERTH_TRY(std::vector<std::string> names, sys::list_dir(directory));
  std::string certificate;
  for (const std::string& name : names) {
    std::string path = directory + "/" + name;
    if (name.ends_with(".crt")) {
      BERTH_TRY(std::string pem, sys::read_file(path, kLimit));
      trust.authorities += pem + "\n";
    } else if (std::string of_key = stem(name, ".key"); !of_key.empty()) {
      if (!sys::exists(directory + "/" + of_key + ".cert")) {
        return make_error(fmt::format("{}: expected its certificate {}.cert beside it", path, of_key));
      }
    } else if (std::string of_certificate = stem(name, ".cert"); !of_certificate.empty()) {
      if (!sys::exists(directory + "/" + of_certificate + ".key")) {
        return make_error(fmt::format("{}: expected its key {}.key beside it", path, of_certificate),
                          "the certificate of an authority ends in .crt");
      }
      if (!certificate.empty())
        return make_error(fmt::format("{}: two certificates: {} and {}", directory, certificate, name));
      certificate = name;
      if (trust.certificate.empty()) {
        trust.certificate = path;
        trust.key = directory + "/" + of_certificate + ".key";
      }
    }
  }
  return {};
}

}  // namespace

Result<Trust> trust_for(const std::vector<std::string>& directories, const std::string& authority, bool verify) {
  Trust trust;
  trust.verify = verify;
  if (authority.starts_with('.') || authority.find('/') != std::string::npos) return trust;  // no name of a directory
  for (const std::string& parent : directories) {
    std::string directory = parent + "/" + authority;
    if (sys::exists(directory)) BERTH_TRY_OK(add_directory(trust, directory));
  }
  return trust;
}

}  // namespace berth::registry
