// The folder that one launcher of tier `landlock` keeps its copies and its programs' files in. Knows no Landlock.
#pragma once

#include <sys/types.h>

#include <string>

#include "native/launcher/options.h"

namespace faultline::launcher {

// <scratch_parent>/faultline-sandbox-XXXXXX, with the scripts' copy in `scripts`. Locked for as long as this program
// lives, so that the next launcher finds and removes what one that was killed has left. Ends the process where it
// cannot be made, for instance on a full disk.
class PrivateFolder {
 public:
  explicit PrivateFolder(const Options& options);

  const std::string& path() const { return path_; }
  std::string scripts() const { return path_ + "/scripts"; }
  // Creates the folder that a compartment writes to, which belongs to `user`. Called once for each name.
  std::string scratch(const std::string& name, uid_t user, gid_t group) const;

  // Removes everything, whatever programs did to it. To be called when they are gone.
  void remove();

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace faultline::launcher
