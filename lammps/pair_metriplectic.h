// pair_style metriplectic <seed>; pair_coeff * * <file>.metriplectic
#ifndef LMP_PAIR_METRIPLECTIC_H
#define LMP_PAIR_METRIPLECTIC_H

#include "bath.h"
#include "energy.h"
#include "external.h"
#include "pair_energy.h"
#include "pair_block.h"
#include "product_friction.h"
#include "strain.h"

#include "pair.h"

#include <memory>
#include <optional>
#include <variant>

namespace LAMMPS_NS {

// How much faster than a particle of this group mask its image moves in a box that changes its shape
// (fix deform with remap v), `pbc` as messages between ranks give it.
metriplectic::Vector image_velocity(const Domain &domain, const int *pbc, int mask);

// Whether a particle moves by more than the box, or a thousand cutoffs along an open axis, in a step.
// LAMMPS wraps it into the box but once and looks for it in bins around the box: farther off it is lost,
// or brings all down, without a sentence.
bool too_far(const Domain &domain, double cutoff, const double *way);

class PairMetriplectic : public Pair {
 public:
  explicit PairMetriplectic(LAMMPS *);
  ~PairMetriplectic() override;

  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double init_one(int, int) override;
  void compute(int, int) override;

  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;
  double memory_usage() override;
  void finish() override;

  // for fix metriplectic
  double *entropies() const;
  void add_end_heat();    // the part of the heats that depends on velocities after the step
  double anchor() const { return anchor_temperature; }
  double mass() const { return constants.m; }
  double cutoff() const { return h; }
  bool dissipates() const;    // whether pairs exchange heat
  metriplectic::Bath *medium() { return bath ? &*bath : nullptr; }
  // of an owned particle and the bath, that flows with u there, in the step that begins
  metriplectic::Exchange exchange(int i, metriplectic::Vector u) const;

  std::vector<metriplectic::Fields> fields;    // of owned particles and ghosts
  std::vector<double> heat;    // received in the step that begins here, T_i x_i of integrators.py
  double internal_energy = 0.0;    // of the owned particles and of the pairs found by this rank
  double sliding_power = 0.0;    // of the pairs on images that move with the box, found by this rank
  metriplectic::Vector external_force = {0.0, 0.0, 0.0};    // of walls and traps on all owned particles
  double outside() const;          // evaluations beyond the tables of networks, by this rank

 private:
  enum class Message { STRENGTH, SLIDING, STRESS, FIELDS };

  // Pairs within the cutoff. Their r_ij is replaced by the impulse p_ij once forces are known.
  struct {
    std::vector<int> i, j;
    std::vector<double> x, y, z, dwdr;
    std::size_t count = 0;
  } pairs;

  std::uint64_t seed = 0;
  double h = 0.0, anchor_temperature = 1.0, gate = 0.5;
  int dimension = 0;
  bool strong = false;    // whether particles have strengths
  metriplectic::Constants constants = {};
  metriplectic::Volume volume;
  std::variant<metriplectic::ExponentialEnergy, metriplectic::NetworkEnergy> energy;
  std::variant<metriplectic::SeparableFriction, metriplectic::ProductFriction, metriplectic::NoFriction>
      friction;

  // of what surrounds the particles, and of attraction; none for most
  std::optional<metriplectic::Bath> bath;
  std::unique_ptr<metriplectic::External> external;
  std::optional<metriplectic::PairEnergy> pair_energy;

  // of solids; null for fluids
  std::unique_ptr<metriplectic::Strain> strain;
  std::unique_ptr<metriplectic::Solid> solid;
  std::vector<metriplectic::Elasticity> elastic;

  std::vector<double> density, strength;
  std::vector<metriplectic::Vector> sliding;    // velocities of images relative to their particles
  Message message = Message::FIELDS;

  void allocate();
  void read(const std::string &path);
  int custom(const char *name) const;
  void check_integrator();
  void check_box();
  void check_surroundings();
  void set_constants();
  [[noreturn]] void stop(int i, double V, double T) const;
  void resize();
  void find_pairs();
  void room_for(std::size_t more);
  void weigh(std::size_t begin, std::size_t end);
  template <class Energy, class Friction> void set_fields(Energy &, const Friction &);
  template <class Friction> void set_forces(Friction &);
  template <class Friction> void force_block(Friction &, std::size_t begin, std::size_t end);
  void force_block(metriplectic::NoFriction &, std::size_t begin, std::size_t end);
  void set_psi_slopes(std::size_t begin, int n, const double *r, double *slope);
  void hand_out(std::size_t begin, int n, const double *fx, const double *fy, const double *fz);
  void add_external_forces();

  int other_end(int i, const metriplectic::ReferenceBond &bond) const;
  void set_strain();
  void add_elastic_forces();
};

}    // namespace LAMMPS_NS

#endif
