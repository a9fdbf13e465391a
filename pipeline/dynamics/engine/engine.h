// A step of a rollout, compiled: what pipeline/dynamics/steppers.py (Thermal) does with torch, by the same
// formulas as the LAMMPS plugin, whose headers these are.
#ifndef METRIPLECTIC_ENGINE_ENGINE_H
#define METRIPLECTIC_ENGINE_ENGINE_H

#include "bath.h"
#include "box.h"
#include "energy.h"
#include "external.h"
#include "neighbours.h"
#include "pair_block.h"
#include "pair_energy.h"
#include "strain.h"

#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace metriplectic {

// Arrays of n particles as Python holds them, D numbers for each vector; null where there is none.
struct Particles {
  const double *r, *v, *S;
  const double *strength;    // factors s_i of the kernel
  const double *flow;    // velocities of the medium
  const double *push;    // forces from outside
  const std::uint32_t *tag;    // whose noise it is
};

// Where driven particles are led.
struct Leading {
  std::size_t count;
  const std::int64_t *rows;
  const double *r, *v;
  double temperature;    // at which they are held
};

// What a step gave the particles from outside (pipeline/dynamics/accounts.py, Account).
struct Given {
  double work = 0.0;
  Vector impulse = {0.0, 0.0, 0.0};
  double bath_heat = 0.0, bath_work = 0.0;
  Vector bath_impulse = {0.0, 0.0, 0.0};
};

class Engine {
 public:
  explicit Engine(const PotentialFile &file);

  // Takes a new box, and forgets who was whose neighbour.
  void settle(const double *sides, double slide, double skin);

  // Volumes and temperatures at a moment, in Python's order, and all energy but the kinetic one. False where two
  // particles sit on each other, then `together`.
  bool evaluate(const Particles &given, std::size_t n, double time, double dt, double *V, double *T);
  double internal_energy = 0.0;
  int together[2] = {0, 0};

  // Forces and heats over the step that begins, and the friction rate of every particle.
  double act(NoiseKey noise, double *rate);

  // Takes the step after `act`: r, v, S are replaced.
  Given step(double *r, double *v, double *S, const Leading &leading);

  std::size_t bytes() const;

 private:
  struct Kick {
    Vector conserved;    // force of pressures, pair energy, walls and from outside
    Vector impulse;    // of friction and noise of the pairs, over the step
    double heat;
    double drag;    // sum of tr K
  };

  int D = 3;
  double h = 1.0, gate = 0.5;
  Constants constants = {};
  Volume volume;
  ExponentialEnergy energy;
  std::variant<SeparableFriction, NoFriction> friction;
  std::optional<Bath> bath;
  std::unique_ptr<External> external;
  std::optional<PairEnergy> pair_energy;
  std::unique_ptr<Strain> strain;
  std::unique_ptr<Solid> solid;

  Box box;
  Neighbours neighbours;
  Particles given = {};
  NoiseKey key = {};    // of the step that begins
  std::size_t n = 0;

  // of particles by rank
  std::vector<Vector> r;
  std::vector<int> rank;    // of the particles in Python's order
  std::vector<double> S, density, strength;
  std::vector<Fields> fields;
  std::vector<std::uint32_t> tag;
  std::vector<Kick> kicks;
  std::vector<Elasticity> elastic;
  std::vector<Exchange> exchanges;    // with the bath
  std::vector<Vector> after, led;    // velocities after the step, if left alone and as led
  std::vector<double> gained;    // entropy that a particle left alone gains
  Vector walls = {0.0, 0.0, 0.0};    // their force on all particles
  double sliding = 0.0;    // power of the conservative forces on images that slide

  // pairs within the cutoff; their r_ij is replaced by the impulse p_ij once that is known
  struct {
    std::vector<int> i, j;
    std::vector<double> x, y, z, dwdr, above;    // above: boxes between i and the image of j in y
    std::size_t count = 0;
  } pairs;

  Vector vector(const double *at, int k) const { return {at[D * k], at[D * k + 1], D == 3 ? at[D * k + 2] : 0.0}; }
  void take(std::size_t count);
  void find_pairs();
  bool weigh_all();
  void set_fields();
  void add_pair_energy();
  void add_elastic_energy();
  void add_elastic_forces();
  template <class Friction> void act_on_block(Friction &, std::size_t begin, int n);
  void act_on_block(NoFriction &, std::size_t begin, int n);
  void add_pressures(std::size_t begin, int n, const double *r);
  void kick();
  void warm(Given &account);
  void move(double *r, double *v, double *S);
  void lead(double *r, double *v, double *S, const Leading &leading, Given &account) const;
  Vector stream(std::size_t k) const;
  void meet_bath(Given &account) const;
};

}    // namespace metriplectic

#endif
