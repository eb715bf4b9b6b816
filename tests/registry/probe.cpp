// registry_probe: the registry client as a command, for the tests that talk to real registries.
//
//   registry_probe manifest REFERENCE              media type, digest and length
//   registry_probe digest REFERENCE                the digest alone
//   registry_probe blob REFERENCE DIGEST SIZE      the SHA-256 of what came
//   registry_probe has-blob REFERENCE DIGEST       yes or no
//   registry_probe put-blob REFERENCE DIGEST FILE [FROM]    "mounted" or "sent"
//   registry_probe put-manifest REFERENCE TYPE FILE
//
// Waits are short, so that tests need not be long. Notes and errors go to stderr.

#include <fmt/core.h>

#include <string>
#include <vector>

#include "images/digest.h"
#include "images/reference.h"
#include "registry/client.h"
#include "registry/settings.h"
#include "sys/file.h"

namespace {

using namespace berth;
using registry::Client;

struct Arguments {
  std::vector<std::string> words;
  [[nodiscard]] std::string at(size_t i) const { return i < words.size() ? words[i] : ""; }
};

Status manifest(Client& client, const images::Reference& reference, const Arguments&) {
  BERTH_TRY(registry::Document document, client.manifest(reference));
  fmt::print("{} {} {}\n", document.media_type, document.digest.str(), document.bytes.size());
  return {};
}

Status digest(Client& client, const images::Reference& reference, const Arguments&) {
  BERTH_TRY(images::Digest found, client.manifest_digest(reference));
  fmt::print("{}\n", found.str());
  return {};
}

Status blob(Client& client, const images::Reference& reference, const Arguments& arguments) {
  BERTH_TRY(images::Digest wanted, images::Digest::parse(arguments.at(3)));
  images::Sha256 hash;
  BERTH_TRY_OK(client.blob(reference, wanted, std::stoull(arguments.at(4)), [&](std::string_view bytes) {
    hash.update(bytes);
    return Status();
  }));
  fmt::print("{}\n", hash.digest().str());
  return {};
}

Status has_blob(Client& client, const images::Reference& reference, const Arguments& arguments) {
  BERTH_TRY(images::Digest wanted, images::Digest::parse(arguments.at(3)));
  BERTH_TRY(bool there, client.has_blob(reference, wanted));
  fmt::print("{}\n", there ? "yes" : "no");
  return {};
}

Status put_blob(Client& client, const images::Reference& reference, const Arguments& arguments) {
  BERTH_TRY(images::Digest wanted, images::Digest::parse(arguments.at(3)));
  std::optional<std::string> from;
  if (!arguments.at(5).empty()) from = arguments.at(5);
  uint64_t sent = 0;
  BERTH_TRY(bool mounted,
            client.put_blob(reference, wanted, arguments.at(4), from, [&](uint64_t bytes) { sent = bytes; }));
  fmt::print("{} {}\n", mounted ? "mounted" : "sent", sent);
  return {};
}

Status put_manifest(Client& client, const images::Reference& reference, const Arguments& arguments) {
  BERTH_TRY(std::string bytes, sys::read_file(arguments.at(4)));
  return client.put_manifest(reference, arguments.at(3), bytes);
}

Status run(const Arguments& arguments) {
  BERTH_TRY(registry::Settings settings, registry::load_settings());
  settings.patience.first_delay = std::chrono::milliseconds(10);
  settings.patience.stall = std::chrono::seconds(1);
  Client client(std::move(settings), [](const std::string& text) { fmt::print(stderr, "note: {}\n", text); });
  BERTH_TRY(images::Reference reference, images::parse_reference(arguments.at(2)));
  const std::string word = arguments.at(1);
  if (word == "manifest") return manifest(client, reference, arguments);
  if (word == "digest") return digest(client, reference, arguments);
  if (word == "blob") return blob(client, reference, arguments);
  if (word == "has-blob") return has_blob(client, reference, arguments);
  if (word == "put-blob") return put_blob(client, reference, arguments);
  if (word == "put-manifest") return put_manifest(client, reference, arguments);
  return make_error("unknown word " + word);
}

}  // namespace

int main(int argc, char** argv) {
  berth::Status status = run({{argv, argv + argc}});
  if (status.ok()) return 0;
  fmt::print(stderr, "error: {}\n", status.error().full());
  return 1;
}
