#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/digest.h"
#include "images/reference.h"
#include "registry/settings.h"

namespace berth::registry {

/// A manifest or an index, as the registry gave it.
struct Document {
  std::string media_type;
  images::Digest digest;  // of `bytes`, computed here
  std::string bytes;
};

/// Speaks to registries by the OCI Distribution Specification 1.1 (and Docker's registry API v2, which it comes from).
///
/// Finds the endpoints of a reference (its mirrors first, then the registry itself; https, or http where that is
/// allowed), answers challenges (Basic, Bearer) with the user's credentials, keeps tokens and connections, and tries
/// again what may succeed later: connections that fail or break, 408, 429 and 5xx, with back-off and Retry-After.
/// Errors name the registry, what was asked, the status and the registry's own words; 401 and 404 say what to do. Never
/// contains a password or token. Safe for use from several threads at once; each call blocks its thread.
class Client {
 public:
  /// Holds `settings` by value. Nothing is sent yet. `note` is told of what takes time without failing ("…: 503 Service
  /// Unavailable; trying again in 2s"), from any thread.
  explicit Client(Settings settings, Note note = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) = delete;
  ~Client();

  /// The manifest or index at the reference (its digest if it has one, else its tag). Verified against the digest, at
  /// most images::kMetadataLimit long.
  [[nodiscard]] Result<Document> manifest(const images::Reference& reference);
  /// Only its digest (HEAD); one that the registry does not tell costs a GET. For "is there anything new".
  [[nodiscard]] Result<images::Digest> manifest_digest(const images::Reference& reference);

  /// Calls `sink` with each byte of a blob once, in order, from byte `offset` on. A connection that breaks is taken up
  /// where it stopped (Range), also on a later mirror; a registry without ranges sends again what is then skipped. Does
  /// not verify the digest: who stores the bytes does. Error: what stood in the way at last, or sink's own error at
  /// once; more bytes than `size` are an error.
  [[nodiscard]] Status blob(const images::Reference& repository, const images::Digest& digest, uint64_t size,
                            const std::function<Status(std::string_view)>& sink, uint64_t offset = 0);

  /// All tags of the repository, in the registry's order (paged by Link headers).
  [[nodiscard]] Result<std::vector<std::string>> tags(const images::Reference& repository);

  // --- push: never to a mirror ---

  [[nodiscard]] Result<bool> has_blob(const images::Reference& repository, const images::Digest& digest);
  /// Uploads a file in one request, begun anew after a broken connection. `mount_from`: a repository path of the same
  /// registry that may have the blob already (cross-repository mount). True if nothing had to be sent.
  [[nodiscard]] Result<bool> put_blob(const images::Reference& repository, const images::Digest& digest,
                                      const std::string& file, const std::optional<std::string>& mount_from,
                                      const std::function<void(uint64_t sent)>& progress);
  [[nodiscard]] Status put_manifest(const images::Reference& reference, const std::string& media_type,
                                    const std::string& bytes);

  /// Whether the registry of `domain` accepts these credentials: what `login` asks before it stores them. Returns an
  /// identity token if the registry gave one to keep in place of the password, else empty.
  [[nodiscard]] Result<std::string> check_credentials(const std::string& domain, const Credentials& credentials);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace berth::registry
