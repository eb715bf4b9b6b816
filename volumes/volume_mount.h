#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "volumes/store.h"

namespace berth::volumes {

/// The options of the driver "local": `type` and `device` as mount(8) has them, and `o`, its options. Without any, the
/// volume is a directory of ours. Error: the name that is unknown or missing.
[[nodiscard]] Status check_driver_options(const std::map<std::string, std::string>& options);

/// Mounts what the driver's options name on the volume's data directory; Ok where there are none or it is mounted
/// already. A host name in `addr=` (nfs, cifs) is looked up. May block as long as a server does not answer.
[[nodiscard]] Status mount_volume(const Volume& volume);

/// Whether something is mounted there.
[[nodiscard]] bool is_mounted(const std::string& data_dir);

/// Takes away what is mounted on a volume's data directory; Ok if nothing is. Whoever still uses it keeps it.
[[nodiscard]] Status unmount_volume(const std::string& data_dir);

}  // namespace berth::volumes
