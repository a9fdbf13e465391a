// fix <ID> <group> metriplectic/lead <file>: moves the group along recorded paths.
#ifndef LMP_FIX_METRIPLECTIC_LEAD_H
#define LMP_FIX_METRIPLECTIC_LEAD_H

#include "fix.h"

#include <fstream>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class FixMetriplecticLead : public Fix {
 public:
  FixMetriplecticLead(LAMMPS *, int, char **);
  int setmask() override;
  void init() override;
  void initial_integrate(int) override;

 private:
  // One snapshot of the file: positions and velocities of the particles with ascending tags.
  struct Snapshot {
    bigint step = -1;
    std::vector<tagint> tag;
    std::vector<double> rows;    // x y z vx vy vz each
  };

  std::string path;
  std::ifstream stream;    // open on the first rank
  Snapshot before, after;

  void advance(bigint step);
  Snapshot read();
  Snapshot parsed(const Snapshot &last);
  void parse(Snapshot &);
  std::size_t row(tagint) const;
};

}    // namespace LAMMPS_NS

#endif
