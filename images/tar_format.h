#pragma once

#include <cstddef>

namespace berth::images::tar_format {

constexpr size_t kBlock = 512;

/// Places in the header block (tar(5)).
struct Field {
  size_t at, length;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12}, kMtime{136, 12},
    kChecksum{148, 8}, kLink{157, 100}, kMajor{329, 8}, kMinor{337, 8}, kPrefix{345, 155};
constexpr size_t kTypeAt = 156, kMagicAt = 257;

}  // namespace berth::images::tar_format
