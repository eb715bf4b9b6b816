#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "images/digest.h"

namespace berth::images {

/// The name of an image after Docker's normalisation: "nginx" is docker.io/library/nginx:latest.
struct Reference {
  std::string domain;  // "docker.io", "localhost:5000"
  std::string path;    // "library/nginx"
  std::string tag;     // empty only where there is a digest
  std::optional<Digest> digest;

  /// "docker.io/library/nginx", without tag and digest.
  [[nodiscard]] std::string repository() const { return domain + "/" + path; }
  /// The key under which the store keeps the image: "docker.io/library/nginx:1.25", or "…@sha256:…" where there is no
  /// tag.
  [[nodiscard]] std::string name() const;
  /// The same for what is brought in by this reference: as with Docker, one with a digest makes no tag.
  [[nodiscard]] std::string store_name() const;
  /// Everything: "docker.io/library/nginx:1.25@sha256:…".
  [[nodiscard]] std::string str() const;
  /// The short form that Docker shows: "nginx:1.25", "localhost:5000/app:latest".
  [[nodiscard]] std::string familiar() const;
  /// The short form without tag and digest: "nginx".
  [[nodiscard]] std::string familiar_repository() const;

  bool operator==(const Reference&) const = default;
};

/// Reads what a user wrote. A missing tag becomes "latest" unless there is a digest; "docker.io" and "library/" are
/// added where they are missing. Error: the text, the part that is wrong and what was expected.
[[nodiscard]] Result<Reference> parse_reference(std::string_view text);

/// The familiar form of a name in the store; the name itself if it cannot be read.
[[nodiscard]] std::string familiar_name(const std::string& name);

}  // namespace berth::images
