#pragma once

#include <vector>

#include "base/result.h"
#include "runtime/spec.h"
#include "sys/fd.h"

namespace berth::runtime {

/// A user namespace that nobody lives in, for mounts whose ids are mapped (mount_setattr(2), MOUNT_ATTR_IDMAP).
[[nodiscard]] Result<sys::UniqueFd> make_id_namespace(const std::vector<IdMap>& uids, const std::vector<IdMap>& gids);

}  // namespace berth::runtime
