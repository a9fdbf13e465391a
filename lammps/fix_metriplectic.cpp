#include "fix_metriplectic.h"
#include "pair_metriplectic.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "modify.h"
#include "update.h"
#include "utils.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace LAMMPS_NS;
using namespace FixConst;

FixMetriplectic::FixMetriplectic(LAMMPS *lmp, int narg, char **arg) : Fix(lmp, narg, arg)
{
  if (narg == 5 && std::strcmp(arg[3], "temperature") == 0) {
    temperature = utils::numeric(FLERR, arg[4], false, lmp);
    if (!(temperature > 0.0 && std::isfinite(temperature)))
      error->all(FLERR, "The temperature of driven particles must be above 0, got {}", arg[4]);
  } else if (narg != 3)
    error->all(FLERR, "Expected: fix <ID> <group> metriplectic [temperature <T of driven particles>]");
  time_integrate = 1;
  restart_global = 1;
  vector_flag = 1;
  size_vector = 16;
  global_freq = 1;
  extvector = 0;
  peratom_flag = 1;
  size_peratom_cols = 4;
  peratom_freq = 1;
  comm_forward = 3;
  comm_reverse = 1;
}

int FixMetriplectic::setmask() { return INITIAL_INTEGRATE | PRE_EXCHANGE | POST_FORCE; }

void FixMetriplectic::init()
{
  pair = dynamic_cast<PairMetriplectic *>(force->pair_match("metriplectic", 1));
  if (!pair) error->all(FLERR, "Fix metriplectic needs pair_style metriplectic");
  for (int type = 1; type <= atom->ntypes; ++type)
    if (!atom->mass || std::fabs(atom->mass[type] - pair->mass()) > 1e-12 * pair->mass())
      error->all(FLERR, "The mass of every particle must be {}, as in the potential file: mass * {}",
                 pair->mass(), pair->mass());
  check_order();
}

void FixMetriplectic::check_order()
{
  bool after = false;
  deform = nullptr;
  for (Fix *fix : modify->get_fix_list()) {
    after = after || fix == this;
    const bool deforms = utils::strmatch(fix->style, "^deform");
    if (deforms && domain->deform_vremap) deform = fix;
    if (after && deforms)
      error->all(FLERR, "Fix {} must be defined before fix {}, which keeps its box up with the particles",
                 fix->id, id);
    if (after && std::strcmp(fix->style, "move") == 0)
      error->all(FLERR, "Fix {} must be defined before fix {}: heats need the velocities it sets",
                 fix->id, id);
    if (!after && modify->get_fix_mask(fix) & POST_FORCE)
      error->all(FLERR, "Fix {} must be defined after fix {}, which tells its forces from those of the pairs",
                 fix->id, id);
  }
}

void FixMetriplectic::setup(int vflag) { post_force(vflag); }

void FixMetriplectic::setup_pre_exchange() { pre_exchange(); }

// One step as in pipeline/dynamics/integrators.py: v' = v + dv, heat at the midpoint, r' = r + v' dt.
void FixMetriplectic::initial_integrate(int)
{
  meet_bath();
  kick();
  if (pair->dissipates()) {
    comm->forward_comm(this);
    pair->add_end_heat();
    comm->reverse_comm(this);
  }
  warm();
  account();
  move();
  carry_box();
}

// What the bath gives every particle in this step, driven ones included.
void FixMetriplectic::meet_bath()
{
  exchange.clear();
  if (!pair->medium()) return;
  for (int i = 0; i < atom->nlocal; ++i) {
    exchange.push_back(pair->exchange(i, stream[i]));
    pair->heat[i] += exchange.back().heat;
  }
}

void FixMetriplectic::kick()
{
  double **v = atom->v, **f = atom->f;
  const double scale = update->dt / pair->mass();
  for (int i = 0; i < atom->nlocal; ++i)
    if (atom->mask[i] & groupbit)
      for (int k = 0; k < 3; ++k) v[i][k] += scale * f[i][k];
  for (std::size_t i = 0; i < exchange.size(); ++i) {
    if (!(atom->mask[i] & groupbit)) continue;
    const metriplectic::Vector J = exchange[i].impulse;
    v[i][0] += J.x / pair->mass(), v[i][1] += J.y / pair->mass(), v[i][2] += J.z / pair->mass();
  }
}

// S' = S + C ln(1 + x / C); a driven particle takes a step towards its temperature instead.
void FixMetriplectic::warm()
{
  double *S = pair->entropies();
  const double held = temperature > 0.0 ? temperature : pair->anchor();
  for (int i = 0; i < atom->nlocal; ++i) {
    const auto &at = pair->fields[i];
    if (atom->mask[i] & groupbit) {
      S[i] += metriplectic::warmed(pair->heat[i], at);
    } else {
      const double change = metriplectic::held_entropy(held, at, update->dt);
      S[i] += change;
      given[0] += held_heat(i, change);
    }
  }
}

void FixMetriplectic::move()
{
  double **x = atom->x, **v = atom->v;
  const double dt = update->dt, h = pair->cutoff();
  for (int i = 0; i < atom->nlocal; ++i) {
    if (!(atom->mask[i] & groupbit)) continue;
    const double way[3] = {dt * v[i][0], dt * v[i][1], dt * v[i][2]};
    if (too_far(*domain, h, way))
      error->one(FLERR,
                 "Particle {} would move by {} {} {} in step {}, out of all bounds: shorten the time step, "
                 "or check start and potential file",
                 atom->tag[i], way[0], way[1], way[2], update->ntimestep);
    for (int k = 0; k < 3; ++k) x[i][k] += way[k];
  }
}

// The forces of the pairs, before other fixes add to them, and the medium's velocity, before others move
// particles. T, V, P V^2 and dT/dS of every particle, for output: they lie side by side in Fields.
void FixMetriplectic::post_force(int)
{
  if (pair->medium()) set_stream(*pair->medium());
  if (atom->nlocal) inner.assign(atom->f[0], atom->f[0] + 3 * atom->nlocal);
  rows.resize(std::max<std::size_t>(pair->fields.size(), 1));
  for (std::size_t i = 0; i < pair->fields.size(); ++i) rows[i] = &pair->fields[i].T;
  array_atom = rows.data();
}

void FixMetriplectic::set_stream(metriplectic::Bath &bath)
{
  stream.assign(atom->nlocal, {0.0, 0.0, 0.0});
  if (bath.flow.rests()) return;
  bath.flow.set_time(update->dt * double(update->ntimestep));
  for (int i = 0; i < atom->nlocal; ++i) stream[i] = bath.flow(atom->x[i]);
}

// Totals of all particles: entropy, internal, kinetic and total energy; the mean temperature; how
// often networks were evaluated beyond their tables; what came from outside since the run began,
// work and impulse; the bath's part: heat it lost, work of its flow, impulse; the entropy it gained.
double FixMetriplectic::compute_vector(int n)
{
  if (n == 15) return pair->medium() ? -compute_vector(10) / pair->medium()->temperature() : 0.0;
  if (n >= 6) {
    double sum;
    MPI_Allreduce(n < 10 ? &given[n - 6] : &bathed[n - 10], &sum, 1, MPI_DOUBLE, MPI_SUM, world);
    return sum;
  }
  double own[5] = {0.0, pair->internal_energy, 0.0, 0.0, pair->outside()}, all[5];
  const double *S = pair->entropies();
  for (int i = 0; i < atom->nlocal; ++i) {
    const double *v = atom->v[i];
    own[0] += S[i];
    own[2] += 0.5 * pair->mass() * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    own[3] += pair->fields[i].T;
  }
  MPI_Allreduce(own, all, 5, MPI_DOUBLE, MPI_SUM, world);
  const double values[6] = {all[0], all[1], all[2], all[1] + all[2],
                            all[3] / double(atom->natoms), all[4]};
  return values[n];
}

// The account goes on after a restart: work and impulse, then the bath's part, of all ranks.
void FixMetriplectic::write_restart(FILE *file)
{
  double own[9], all[9];
  std::copy_n(bathed, 5, std::copy_n(given, 4, own));
  MPI_Reduce(own, all, 9, MPI_DOUBLE, MPI_SUM, 0, world);
  if (comm->me != 0) return;
  const int size = sizeof(all);
  std::fwrite(&size, sizeof(int), 1, file);
  std::fwrite(all, size, 1, file);
}

void FixMetriplectic::restart(char *written)
{
  if (comm->me != 0) return;
  std::memcpy(given, written, sizeof(given));
  std::memcpy(bathed, written + sizeof(given), sizeof(bathed));
}

// What is kept account of from outside: driven particles, forces of other fixes, and a box that changes
// its shape.

// Heat that keeps a driven particle at its temperature: from the entropies that it has and would have
// had (pipeline/dynamics/accounts.py).
double FixMetriplectic::held_heat(int i, double change) const
{
  const auto &at = pair->fields[i];
  const double left = metriplectic::warmed(pair->heat[i], at);
  return metriplectic::heat_of(change, at) - metriplectic::heat_of(left, at);
}

// What is not of the pairs: impulse J = f dt of forces that other fixes added, J = m v' - m v less the
// pairs' impulse for driven particles, work J.(v + v')/2 (pipeline/dynamics/accounts.py; paths must
// have r' = r + v' dt); and the work of the pairs on images, which move faster than the particles.
void FixMetriplectic::account()
{
  const double dt = update->dt, m = pair->mass();
  for (int i = 0; i < atom->nlocal; ++i) {
    const auto &v = pair->fields[i].v;
    const double before[3] = {v.x, v.y, v.z}, *after = atom->v[i], *f = atom->f[i];
    const bool free = atom->mask[i] & groupbit;
    for (int a = 0; a < 3; ++a) {
      const double own = inner[3 * i + a];
      const double J = free ? dt * (f[a] - own) : m * (after[a] - before[a]) - dt * own;
      give(a, J, before[a], after[a]);
    }
  }
  given[0] += dt * pair->sliding_power;
  const auto &walls = pair->external_force;
  given[1] += dt * walls.x, given[2] += dt * walls.y, given[3] += dt * walls.z;
  if (pair->medium()) account_bath();
}

// What the bath gives: impulse J, its work J.(v + v')/2, and heat q. J.u of the work is done by whatever
// keeps the medium flowing, the rest comes from the heat of the bath (pipeline/dynamics/accounts.py, by_bath).
void FixMetriplectic::account_bath()
{
  using metriplectic::dot;
  for (int i = 0; i < atom->nlocal; ++i) {
    const auto [J, q] = exchange[i];
    const double *after = atom->v[i], axes[3] = {J.x, J.y, J.z};
    const metriplectic::Vector v = pair->fields[i].v;
    const double kinetic = 0.5 * dot(J, v + metriplectic::Vector{after[0], after[1], after[2]});
    const double flowing = dot(J, stream[i]);
    bathed[0] += kinetic - flowing + q;
    bathed[1] += flowing;
    given[0] += q;
    for (int a = 0; a < 3; ++a) bathed[2 + a] += axes[a];
    if (!(atom->mask[i] & groupbit)) continue;    // of driven particles it is part of what drives them
    given[0] += kinetic;
    for (int a = 0; a < 3; ++a) given[1 + a] += axes[a];
  }
}

void FixMetriplectic::give(int axis, double J, double before, double after)
{
  given[0] += 0.5 * J * (before + after);
  given[1 + axis] += J;
}

// Fix deform gives the box the shape of a time at the end of the step that ends then, when forces have
// been computed. Particles have moved just now; their images are made in the box of the same time.
void FixMetriplectic::carry_box()
{
  if (!deform) return;
  advance_box();
  flips = deform->next_reneighbor == update->ntimestep;
  if (flips) wrap();    // fix deform is about to wrap particles, and takes no care of velocities
}

void FixMetriplectic::advance_box()
{
  const double dt = update->dt, *rate = domain->h_rate, *low = domain->h_ratelo;
  for (int a = 0; a < 3; ++a) {
    domain->boxlo[a] += dt * low[a];
    domain->boxhi[a] += dt * (low[a] + rate[a]);
  }
  domain->yz += dt * rate[3];
  domain->xz += dt * rate[4];
  domain->xy += dt * rate[5];
  domain->set_global_box();
  domain->set_local_box();
}

void FixMetriplectic::pre_exchange()
{
  if (!deform) return;
  if (flips) advance_box();    // fix deform has flipped the box of the step before
  flips = false;
  wrap();
}

// Particles that left the box come back with the velocity of their image: LAMMPS would do so itself,
// unaccounted.
void FixMetriplectic::wrap()
{
  const int n = atom->nlocal;
  if (!n) return;
  double **v = atom->v;
  scratch.assign(v[0], v[0] + 3 * n);
  if (domain->triclinic) domain->x2lamda(n);
  domain->pbc();
  if (domain->triclinic) domain->lamda2x(n);
  for (int i = 0; i < n; ++i)
    for (int a = 0; a < 3; ++a) {
      const double before = scratch[3 * i + a], J = pair->mass() * (v[i][a] - before);
      give(a, J, before, v[i][a]);
    }
}

// Velocities after the step; a periodic image in a deforming box has that of the flow besides.
int FixMetriplectic::pack_forward_comm(int n, int *which, double *buf, int pbc_flag, int *pbc)
{
  const bool slide = pbc_flag && domain->deform_vremap;
  for (int k = 0; k < n; ++k, buf += 3) {
    std::copy_n(atom->v[which[k]], 3, buf);
    if (!slide) continue;
    const metriplectic::Vector u = image_velocity(*domain, pbc, atom->mask[which[k]]);
    buf[0] += u.x, buf[1] += u.y, buf[2] += u.z;
  }
  return 3 * n;
}

void FixMetriplectic::unpack_forward_comm(int n, int first, double *buf)
{
  std::copy(buf, buf + 3 * n, atom->v[first]);
}

int FixMetriplectic::pack_reverse_comm(int n, int first, double *buf)
{
  std::copy(pair->heat.begin() + first, pair->heat.begin() + first + n, buf);
  return n;
}

void FixMetriplectic::unpack_reverse_comm(int n, int *which, double *buf)
{
  for (int k = 0; k < n; ++k) pair->heat[which[k]] += buf[k];
}
