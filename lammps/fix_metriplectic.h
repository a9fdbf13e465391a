// fix <ID> <group> metriplectic: moves r, v and S of the group; all other particles are driven.
#ifndef LMP_FIX_METRIPLECTIC_H
#define LMP_FIX_METRIPLECTIC_H

#include "fix.h"

#include <vector>

namespace LAMMPS_NS {

class PairMetriplectic;

class FixMetriplectic : public Fix {
 public:
  FixMetriplectic(LAMMPS *, int, char **);
  int setmask() override;
  void init() override;
  void setup(int) override;
  void initial_integrate(int) override;
  void pre_exchange() override;
  void post_force(int) override;
  double compute_vector(int) override;

  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;

 private:
  PairMetriplectic *pair = nullptr;
  double temperature = 0.0;    // at which driven particles are held; 0: as the potential says
  std::vector<double *> rows;
  double given[4] = {0.0, 0.0, 0.0, 0.0};    // work and impulse of driving, of this rank so far

  void account(int i, double change);
  void kick();
  void warm();
  void move();
};

}    // namespace LAMMPS_NS

#endif
