// Commands and checks of pair_style metriplectic: everything that happens before the first step.
#include "pair_metriplectic.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neighbor.h"
#include "update.h"
#include "utils.h"

#include <cmath>
#include <fstream>
#include <sstream>
#include <stdexcept>

using namespace LAMMPS_NS;
using namespace metriplectic;

void PairMetriplectic::settings(int narg, char **arg)
{
  if (narg != 1) error->all(FLERR, "Expected: pair_style metriplectic <seed>");
  const bigint given = utils::bnumeric(FLERR, arg[0], false, lmp);
  if (given < 0) error->all(FLERR, "The seed of pair_style metriplectic must not be negative, got {}", given);
  seed = std::uint64_t(given);
}

void PairMetriplectic::coeff(int narg, char **arg)
{
  if (narg != 3 || std::string(arg[0]) != "*" || std::string(arg[1]) != "*")
    error->all(FLERR, "Expected: pair_coeff * * <file>.metriplectic");
  if (!allocated) allocate();
  read(arg[2]);
  for (int a = 1; a <= atom->ntypes; ++a)
    for (int b = a; b <= atom->ntypes; ++b) setflag[a][b] = 1;
}

void PairMetriplectic::allocate()
{
  allocated = 1;
  const int n = atom->ntypes + 1;
  memory->create(setflag, n, n, "pair:setflag");
  memory->create(cutsq, n, n, "pair:cutsq");
  for (int a = 0; a < n; ++a)
    for (int b = 0; b < n; ++b) setflag[a][b] = 0;
}

// The first rank reads the file, all take what it says.
void PairMetriplectic::read(const std::string &path)
{
  std::string text;
  if (comm->me == 0) {
    std::ifstream stream(path);
    if (!stream) error->one(FLERR, "The potential file {} cannot be opened", path);
    std::stringstream whole;
    whole << stream.rdbuf();
    text = whole.str();
    if (text.size() > MAXSMALLINT)
      error->one(FLERR, "The potential file {} is larger than {} bytes", path, MAXSMALLINT);
  }
  bigint size = bigint(text.size());
  MPI_Bcast(&size, 1, MPI_LMP_BIGINT, 0, world);
  text.resize(size);
  MPI_Bcast(&text[0], int(size), MPI_CHAR, 0, world);
  try {
    const PotentialFile file(text, path);
    dimension = int(file.number("dimension"));
    h = file.number("cutoff");
    gate = file.number("gate");
    anchor_temperature = file.number("anchor");
    strong = file.number("strong") != 0.0;
    const double k_B = file.number("k_B");
    constants = {k_B, file.number("mass"), 1.0 / dimension, 0.0, std::sqrt(2.0 * k_B), 0.0,
                 dimension == 3 ? 1.0 : 0.0};
    volume = Volume(file, h);
    strain.reset();
    solid.reset();
    if (file.word("energy.kind") == "network") energy = NetworkEnergy(file);
    else energy = ExponentialEnergy(file);
    if (file.word("friction.kind") == "product") friction = ProductFriction(file, h);
    else if (file.word("friction.kind") == "none") friction = NoFriction();
    else friction = SeparableFriction(file, h);
    bath.reset();
    external.reset();
    pair_energy.reset();
    external_force = {0.0, 0.0, 0.0};
    if (file.has("bath.kind")) bath.emplace(file, dimension);
    if (file.has("external.kind")) external = External::made(file, dimension);
    if (file.has("pair_energy.kind")) pair_energy.emplace(file, h);
    if (file.has("strain.kind")) {
      strain = Strain::made(file, h, dimension);
      solid = std::make_unique<Solid>(file, dimension);
    }
  } catch (const std::runtime_error &problem) {
    error->all(FLERR, "{}", problem.what());
  }
}

void PairMetriplectic::init_style()
{
  check_integrator();
  if (domain->dimension != dimension)
    error->all(FLERR, "The potential is for {} dimensions, the simulation has {}: see the dimension command",
               dimension, domain->dimension);
  if (!force->newton_pair)
    error->all(FLERR, "Pair style metriplectic needs newton on");
  if (!comm->ghost_velocity)
    error->all(FLERR, "Pair style metriplectic needs the velocities of ghosts: comm_modify vel yes");
  if (!atom->tag_enable) error->all(FLERR, "Pair style metriplectic needs atom IDs");
  if (atom->natoms > bigint(4294967295))
    error->all(FLERR, "The noise tells 4294967295 particles apart, there are {}", atom->natoms);
  if (solid && atom->map_style == Atom::MAP_NONE)
    error->all(FLERR, "A solid needs to find particles by ID: atom_modify map yes");
  custom("entropy");
  if (strong) custom("strength");
  check_box();
  check_surroundings();
  set_constants();
  neighbor->add_request(this);
}

// A model of friction, noise and heat is a step in time: it has no energy to go down in, and no parts
// of a step.
void PairMetriplectic::check_integrator()
{
  constexpr int MINIMISATION = 2;
  if (update->whichflag == MINIMISATION)
    error->all(FLERR,
               "Pair style metriplectic cannot be minimized: its forces hold friction and noise; relax "
               "with fix viscous and run");
  if (!(update->dt > 0.0 && std::isfinite(update->dt)))
    error->all(FLERR, "Pair style metriplectic needs a timestep above 0, got {}", update->dt);
  if (!utils::strmatch(update->integrate_style, "^verlet"))
    error->all(FLERR, "Pair style metriplectic needs run_style verlet, got {}", update->integrate_style);
}

double PairMetriplectic::init_one(int, int) { return h; }

// Each pair must meet at most once, or it would be given the same noise twice.
void PairMetriplectic::check_box()
{
  for (int k = 0; k < dimension; ++k)
    if (domain->periodicity[k] && domain->prd[k] < 2.0 * h)
      error->all(FLERR, "The cutoff {} exceeds half of the periodic box length {}: use a larger box",
                 h, domain->prd[k]);
}

// A periodic axis has no place that differs from its images, and a medium that feeds motion must not do so
// faster than velocities are known.
void PairMetriplectic::check_surroundings()
{
  if (bath && !(update->dt < bath->longest_step(constants.m)))
    error->all(FLERR, "The medium feeds motion too fast for a timestep of {}, which must be below {}", update->dt,
               bath->longest_step(constants.m));
  for (int k = 0; k < dimension; ++k) {
    if (!domain->periodicity[k]) continue;
    if (external && external->acts_along(k))
      error->all(FLERR, "The external potential acts along {}, which must not be periodic: see the command boundary",
                 "xyz"[k]);
    if (bath && bath->flow.varies_along(k))
      error->all(FLERR, "The flow of the medium varies along {}, which must not be periodic: see the command boundary",
                 "xyz"[k]);
  }
}

// Index of a per-atom property made by fix property/atom.
int PairMetriplectic::custom(const char *name) const
{
  int is_double = 0, columns = 0;
  const int index = atom->find_custom(name, is_double, columns);
  if (index < 0 || !is_double || columns)
    error->all(FLERR, "Pair style metriplectic needs the property {0}: fix <ID> all property/atom d_{0}",
               name);
  return index;
}

double *PairMetriplectic::entropies() const { return atom->dvector[custom("entropy")]; }
