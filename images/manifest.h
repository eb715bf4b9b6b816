#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/digest.h"
#include "images/platform.h"

namespace berth::images {

/// No manifest, index or config may be larger; no image has more layers.
inline constexpr size_t kMetadataLimit = 4 << 20;
inline constexpr size_t kMaxLayers = 1000;

inline constexpr std::string_view kMediaIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kMediaManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kMediaConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kMediaLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kMediaLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view kMediaLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view kMediaDockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kMediaDockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view kMediaDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

/// The annotation that names an image in index.json; ours holds the full normalised name.
inline constexpr std::string_view kAnnotationRefName = "org.opencontainers.image.ref.name";
/// The full name as containerd, and Docker since 25, write it.
inline constexpr std::string_view kAnnotationContainerdName = "io.containerd.image.name";
/// Our own: the image id, so that a look-up by id need not open every manifest.
inline constexpr std::string_view kAnnotationImageId = "berth.image.id";
/// Our own: what the registry has under the name, "docker.io/library/nginx@sha256:…", and when that was last asked,
/// in seconds since 1970.
inline constexpr std::string_view kAnnotationOrigin = "berth.origin";
inline constexpr std::string_view kAnnotationOriginChecked = "berth.origin.checked";

struct Descriptor {
  std::string media_type;
  Digest digest;
  uint64_t size = 0;
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform;

  [[nodiscard]] std::string annotation(std::string_view key) const;  // empty if absent
  [[nodiscard]] bool is_index() const;
  bool operator==(const Descriptor&) const = default;
};

struct Manifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;  // lowest first
};

struct Index {
  std::vector<Descriptor> manifests;
};

/// OCI manifests and Docker's schema 2. Errors: schema 1, a document that is both manifest and index (CVE-2021-41190),
/// digests outside the grammar, sizes that are no numbers, too many layers.
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view json);
[[nodiscard]] std::string render_manifest(const Manifest& manifest);

/// OCI indexes and Docker's manifest lists.
[[nodiscard]] Result<Index> parse_index(std::string_view json);
[[nodiscard]] std::string render_index(const Index& index);

/// The entry of a multi-platform index for `wanted`; attestations (platform unknown/unknown) are passed over, an entry
/// without platform is taken if it is the only one. Error: lists what there is.
[[nodiscard]] Result<Descriptor> choose_manifest(const Index& index, const Platform& wanted);

}  // namespace berth::images
