// fix <ID> <group> metriplectic: moves r, v and S of the group; all other particles are driven.
#ifndef LMP_FIX_METRIPLECTIC_H
#define LMP_FIX_METRIPLECTIC_H

#include "bath.h"

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
  void setup_pre_exchange() override;
  void pre_exchange() override;
  void post_force(int) override;
  double compute_vector(int) override;
  void write_restart(FILE *) override;
  void restart(char *) override;

  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;

 private:
  PairMetriplectic *pair = nullptr;
  double temperature = 0.0;    // at which driven particles are held; 0: as the potential says
  std::vector<double *> rows;
  std::vector<double> inner, scratch;    // forces of the pairs; velocities before particles are wrapped
  std::vector<metriplectic::Vector> stream;        // velocity of the medium at the owned particles
  std::vector<metriplectic::Exchange> exchange;    // of the owned particles with the bath, in this step
  double given[4] = {0.0, 0.0, 0.0, 0.0};    // work and impulse from outside, of this rank so far
  double bathed[5] = {0.0, 0.0, 0.0, 0.0, 0.0};    // part of it: heat of the bath, work of its flow, impulse
  Fix *deform = nullptr;                     // that shapes the box, images moving with it
  bool flips = false;                        // whether the box flips in this step

  void check_order();
  void set_stream(metriplectic::Bath &);
  void meet_bath();
  void kick();
  void warm();
  void move();

  double held_heat(int i, double change) const;
  void account();
  void account_bath();
  void give(int axis, double J, double before, double after);
  void carry_box();
  void advance_box();
  void wrap();
};

}    // namespace LAMMPS_NS

#endif
