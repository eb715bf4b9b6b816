#include "images/reference.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace berth::images {
namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kLegacyDomain = "index.docker.io";
constexpr std::string_view kOfficial = "library/";
constexpr size_t kMaxName = 255;
constexpr size_t kMaxTag = 128;

bool is_lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alnum(char c) {
  return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Error refuse(std::string_view text, const std::string& why, std::string hint = {}) {
  return make_error(fmt::format("image reference \"{}\": {}", printable(text.substr(0, 300)), why), std::move(hint));
}

/// One or more of lower-case letters and digits, joined by one dot, one or two underscores, or any number of hyphens.
bool is_path_component(std::string_view part) {
  size_t at = 0;
  auto word = [&] {
    size_t begin = at;
    while (at < part.size() && is_lower_alnum(part[at])) ++at;
    return at > begin;
  };
  auto joint = [&] {
    std::string_view rest = part.substr(at);
    if (rest.starts_with("__")) return at += 2, true;
    if (rest.starts_with('.') || rest.starts_with('_')) return at += 1, true;
    size_t begin = at;
    while (at < part.size() && part[at] == '-') ++at;
    return at > begin;
  };
  if (!word()) return false;
  while (at < part.size()) {
    if (!joint() || !word()) return false;
  }
  return true;
}

bool is_host_name(std::string_view host) {
  for (const std::string& label : split(host, '.')) {
    bool good = !label.empty() && is_alnum(label.front()) && is_alnum(label.back()) &&
                std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; });
    if (!good) return false;
  }
  return true;
}

bool is_domain(std::string_view domain) {
  size_t colon = domain.rfind(':');
  size_t bracket = domain.rfind(']');
  bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  std::string_view host = has_port ? domain.substr(0, colon) : domain;
  if (has_port) {
    auto port = parse_unsigned(domain.substr(colon + 1));
    if (!port || *port > 65535) return false;
  }
  if (host.starts_with('[')) {
    std::string_view address = host.substr(1, host.size() - 2);
    return host.ends_with(']') && !address.empty() &&
           address.find_first_not_of("0123456789abcdefABCDEF:") == std::string_view::npos;
  }
  return is_host_name(host);
}

bool is_tag(std::string_view tag) {
  auto follows = [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; };
  return !tag.empty() && tag.size() <= kMaxTag && (is_alnum(tag[0]) || tag[0] == '_') &&
         std::all_of(tag.begin(), tag.end(), follows);
}

/// The first part of a name is a registry if it could not be a repository of Docker Hub.
bool looks_like_domain(std::string_view first) {
  return first.find('.') != std::string_view::npos || first.find(':') != std::string_view::npos ||
         first == "localhost" || to_lower(first) != first;
}

bool is_bare_id(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

void split_domain(std::string_view name, Reference& reference) {
  size_t slash = name.find('/');
  if (slash != std::string_view::npos && looks_like_domain(name.substr(0, slash))) {
    reference.domain = name.substr(0, slash);
    reference.path = name.substr(slash + 1);
  } else {
    reference.domain = kDefaultDomain;
    reference.path = name;
  }
  if (reference.domain == kLegacyDomain) reference.domain = kDefaultDomain;
  if (reference.domain == kDefaultDomain && reference.path.find('/') == std::string::npos) {
    reference.path.insert(0, kOfficial);
  }
}

Status check_name(std::string_view text, std::string_view name, const Reference& reference) {
  if (name.empty()) return refuse(text, "the name is missing");
  if (!is_domain(reference.domain)) {
    return refuse(text,
                  fmt::format("\"{}\" is not a registry (expected HOST or HOST:PORT)", printable(reference.domain)));
  }
  if (to_lower(reference.path) != reference.path) {
    return refuse(text, "a repository name must be lower-case", fmt::format("write \"{}\"", to_lower(reference.path)));
  }
  for (const std::string& part : split(reference.path, '/')) {
    if (is_path_component(part)) continue;
    if (part.empty()) return refuse(text, "there is an empty part between slashes");
    return refuse(text,
                  fmt::format("\"{}\": expected lower-case letters and digits, joined by \".\", \"_\", \"__\" or \"-\"",
                              printable(part)));
  }
  if (reference.repository().size() > kMaxName) {
    return refuse(text, fmt::format("longer than {} characters", kMaxName));
  }
  return {};
}

}  // namespace

std::string Reference::name() const {
  return tag.empty() && digest ? repository() + "@" + digest->str() : repository() + ":" + tag;
}

std::string Reference::store_name() const {
  return digest ? repository() + "@" + digest->str() : name();
}

std::string Reference::str() const {
  std::string text = repository();
  if (!tag.empty()) text += ":" + tag;
  if (digest) text += "@" + digest->str();
  return text;
}

std::string Reference::familiar_repository() const {
  if (domain != kDefaultDomain) return repository();
  // "docker.io/a.b/c" without its registry would be read as c of the registry a.b.
  size_t slash = path.find('/');
  if (slash != std::string::npos && looks_like_domain(std::string_view(path).substr(0, slash))) return repository();
  bool official = path.starts_with(kOfficial) && path.find('/', kOfficial.size()) == std::string::npos;
  return official ? path.substr(kOfficial.size()) : path;
}

std::string Reference::familiar() const {
  return familiar_repository() + str().substr(repository().size());
}

Result<Reference> parse_reference(std::string_view text) {
  if (text.empty()) return refuse(text, "it is empty", "expected NAME[:TAG][@DIGEST], for example postgres:16-alpine");
  if (is_bare_id(text)) return refuse(text, "this is an image id, not a name");
  Reference reference;
  std::string_view name = text;
  if (size_t at = name.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(name.substr(at + 1));
    if (!digest) return refuse(text, digest.error().what);
    reference.digest = std::move(digest).value();
    name = name.substr(0, at);
  }
  size_t slash = name.rfind('/');
  size_t colon = name.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    std::string_view tag = name.substr(colon + 1);
    if (!is_tag(tag)) {
      return refuse(text, fmt::format("tag \"{}\": expected up to {} letters, digits, \"_\", \".\" and \"-\"",
                                      printable(tag), kMaxTag));
    }
    reference.tag = tag;
    name = name.substr(0, colon);
  } else if (!reference.digest) {
    reference.tag = "latest";
  }
  split_domain(name, reference);
  BERTH_TRY_OK(check_name(text, name, reference));
  return reference;
}

std::string familiar_name(const std::string& name) {
  auto reference = parse_reference(name);
  return reference ? reference->familiar() : name;
}

}  // namespace berth::images
