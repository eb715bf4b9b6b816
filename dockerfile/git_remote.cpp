#include "dockerfile/git_remote.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "dockerfile/path_pattern.h"

namespace berth::dockerfile {
namespace {

constexpr std::string_view kHub = "github.com/";

bool all_of(std::string_view text, std::string_view extra) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           extra.find(c) != std::string_view::npos;
  });
}

/// USER@HOST:PATH, as scp and ssh have it.
bool is_scp_address(std::string_view text) {
  size_t at = text.find('@'), colon = text.find(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || at > colon) return false;
  return all_of(text.substr(0, at), "-_") && all_of(text.substr(at + 1, colon - at - 1), "-.") &&
         colon + 1 < text.size();
}

bool has_host_and_path(std::string_view url) {
  size_t host = url.find("://") + 3, slash = url.find('/', host);
  return slash != std::string_view::npos && slash > host && slash + 1 < url.size();
}

bool is_commit(std::string_view text) {
  return text.size() >= 7 && text.size() <= 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<bool> flag_of(std::string_view key, std::string_view value) {
  if (value.empty() || value == "1" || value == "true") return true;
  if (value == "0" || value == "false") return false;
  return make_error(fmt::format("{}={}: expected true or false", key, printable(value)));
}

Status take_subdir(std::string_view text, GitRemote& remote) {
  for (const std::string& part : split(text, '/')) {
    if (part == "..")
      return make_error(fmt::format("the directory \"{}\" leads out of the repository", printable(text)));
  }
  remote.subdir = clean_path(text);
  return {};
}

Status take_checksum(std::string_view text, GitRemote& remote) {
  if (!is_commit(text))
    return make_error(fmt::format("checksum={}: expected 7 to 40 hexadecimal digits of a commit", printable(text)));
  remote.checksum = text;
  return {};
}

/// "REF:DIRECTORY", either may be missing.
Status take_fragment(std::string_view fragment, GitRemote& remote) {
  size_t colon = fragment.find(':');
  remote.ref = fragment.substr(0, colon);
  return colon == std::string_view::npos ? Status() : take_subdir(fragment.substr(colon + 1), remote);
}

Status take_query(std::string_view query, GitRemote& remote) {
  for (const std::string& field : split(query, '&')) {
    std::string_view key = std::string_view(field).substr(0, field.find('='));
    std::string_view value = key.size() == field.size() ? "" : std::string_view(field).substr(key.size() + 1);
    std::string ref;
    if (key == "ref" || key == "commit") {
      ref = value;
    } else if (key == "branch") {
      ref = fmt::format("refs/heads/{}", value);
    } else if (key == "tag") {
      ref = fmt::format("refs/tags/{}", value);
    } else if (key == "subdir") {
      BERTH_TRY_OK(take_subdir(value, remote));
    } else if (key == "checksum") {
      BERTH_TRY_OK(take_checksum(value, remote));
    } else if (key == "submodules") {
      BERTH_TRY(remote.submodules, flag_of(key, value));
    } else if (key == "keep-git-dir") {
      BERTH_TRY(remote.keep_git_dir, flag_of(key, value));
    } else {
      return make_error(fmt::format("unknown key \"{}\"", printable(key)),
                        "expected ref, branch, tag, commit, subdir, checksum, submodules or keep-git-dir");
    }
    if (key == "commit") BERTH_TRY_OK(take_checksum(value, remote));
    if (ref.empty()) continue;
    if (!remote.ref.empty() && key != "commit" && !is_commit(remote.ref))
      return make_error(fmt::format("\"{}\" names a second reference", printable(field)));
    remote.ref = std::move(ref);
  }
  return {};
}

}  // namespace

bool is_http(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

bool is_git_address(std::string_view url) {
  if (printable(url) != url) return false;
  bool schemed = is_http(url) || url.starts_with("git://") || url.starts_with("ssh://");
  return schemed ? has_host_and_path(url) : is_scp_address(url);
}

std::string GitRemote::shown() const {
  size_t host = url.find("://"), at = url.find('@', host == std::string::npos ? 0 : host + 3);
  if (host == std::string::npos || at == std::string::npos || at > url.find('/', host + 3)) return printable(url);
  size_t colon = url.find(':', host + 3);
  return printable(colon < at ? url.substr(0, colon) + url.substr(at) : url);
}

Result<std::optional<GitRemote>> parse_git_remote(std::string_view text) {
  GitRemote remote;
  std::string_view address = text.substr(0, text.find('#'));
  std::string_view fragment = address.size() == text.size() ? "" : text.substr(address.size() + 1);
  size_t question = address.find('?');
  std::string_view query = question == std::string_view::npos ? "" : address.substr(question + 1);
  address = address.substr(0, question);
  remote.maybe_local = address.starts_with(kHub) && address.size() > kHub.size();
  remote.url = remote.maybe_local ? fmt::format("https://{}", address) : std::string(address);
  bool file_to_download = is_http(remote.url) && !remote.maybe_local && !address.ends_with(".git");
  if (file_to_download || !is_git_address(remote.url)) return std::optional<GitRemote>();
  BERTH_TRY_OK(take_fragment(fragment, remote).context("{}", remote.shown()));
  if (!query.empty()) BERTH_TRY_OK(take_query(query, remote).context("{}", remote.shown()));
  return std::optional(std::move(remote));
}

bool is_remote_source(std::string_view text) {
  return is_remote_context(text) && !text.starts_with(kHub);
}

bool is_remote_context(std::string_view text) {
  if (is_http(text)) return true;
  auto remote = parse_git_remote(text);
  return !remote || *remote;
}

}  // namespace berth::dockerfile
