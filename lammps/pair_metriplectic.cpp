// Forces and heats of a step, and what ranks tell each other for them.
#include "pair_metriplectic.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;
using namespace metriplectic;

namespace {
constexpr double TINY = 1e-100, VAST = 1e100;    // beyond, products of two quantities leave the range

bool positive(double x) { return x > TINY && x < VAST; }

Vector vector(const double *x) { return {x[0], x[1], x[2]}; }
}    // namespace

PairMetriplectic::PairMetriplectic(LAMMPS *lmp) : Pair(lmp)
{
  single_enable = 0;
  restartinfo = 0;
  one_coeff = 1;
  manybody_flag = 1;
  comm_forward = 9;
  comm_reverse = 1;
}

PairMetriplectic::~PairMetriplectic()
{
  if (!allocated) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
}

void PairMetriplectic::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);
  set_constants();
  resize();
  if (neighbor->ago == 0) {
    if (domain->box_change) check_box();
    message = Message::STRENGTH;
    if (strong) comm->forward_comm(this);
    message = Message::SLIDING;
    sliding.assign(domain->deform_vremap ? fields.size() : 0, {0.0, 0.0, 0.0});
    if (domain->deform_vremap) comm->forward_comm(this);
  }
  find_pairs();
  comm->reverse_comm(this);
  if (solid) set_strain();
  std::visit([this](auto &U, const auto &A) { set_fields(U, A); }, energy, friction);
  message = Message::FIELDS;
  comm->forward_comm(this);
  std::visit([this](auto &A) { set_forces(A); }, friction);
  if (solid) add_elastic_forces();
  if (vflag_fdotr) virial_fdotr_compute();
  if (external) add_external_forces();
  if (eflag_global) eng_vdwl += internal_energy;
}

// What depends on the length of the step.
void PairMetriplectic::set_constants()
{
  constants.dt = update->dt;
  constants.limit = gate / update->dt;
  if (bath && bath->brownian()) constants.m = update->dt;
}

// Arrays for all particles and ghosts, sums set to zero.
void PairMetriplectic::resize()
{
  const std::size_t all = atom->nlocal + atom->nghost;
  if (fields.size() < all) fields.resize(all + all / 8);
  density.assign(fields.size(), 0.0);
  heat.assign(fields.size(), 0.0);
  strength.resize(fields.size(), 1.0);
  if (!strong) return;
  const double *own = atom->dvector[custom("strength")];
  std::copy(own, own + atom->nlocal, strength.begin());
}

// The pairs within the cutoff, and d_i = sum_j s_i s_j w(r_ij) without the self weight.
void PairMetriplectic::find_pairs()
{
  double **x = atom->x;
  const double h2 = h * h;
  pairs.count = 0;
  std::size_t weighed = 0;
  for (int ii = 0; ii < list->inum; ++ii) {
    const int i = list->ilist[ii], *neighbours = list->firstneigh[i];
    const Vector x_i = vector(x[i]);
    room_for(list->numneigh[i]);
    for (int jj = 0; jj < list->numneigh[i]; ++jj) {
      const int j = neighbours[jj] & NEIGHMASK;
      const Vector r_ij = x_i - vector(x[j]);
      const double r2 = dot(r_ij, r_ij);
      const std::size_t k = pairs.count;
      pairs.i[k] = i;
      pairs.j[k] = j;
      pairs.x[k] = r_ij.x;
      pairs.y[k] = r_ij.y;
      pairs.z[k] = r_ij.z;
      pairs.dwdr[k] = r2;
      pairs.count += r2 < h2;    // the next one overwrites a pair beyond the cutoff
    }
    if (pairs.count - weighed < BLOCK) continue;
    weigh(weighed, pairs.count);
    weighed = pairs.count;
  }
  weigh(weighed, pairs.count);
}

void PairMetriplectic::room_for(std::size_t more)
{
  const std::size_t wanted = pairs.count + more + 1;
  if (pairs.i.size() >= wanted) return;
  for (auto *a : {&pairs.i, &pairs.j}) a->resize(wanted + wanted / 4);
  for (auto *a : {&pairs.x, &pairs.y, &pairs.z, &pairs.dwdr}) a->resize(wanted + wanted / 4);
}

// Adds the weights of the given pairs to d and replaces r^2 by s_i s_j w'(r).
void PairMetriplectic::weigh(std::size_t begin, std::size_t end)
{
  for (std::size_t first = begin; first < end; first += BLOCK) {
    const int n = int(std::min(BLOCK, end - first));
    const int *i = pairs.i.data() + first, *j = pairs.j.data() + first;
    double w[BLOCK], s[BLOCK];
    for (int k = 0; k < n; ++k) s[k] = strength[i[k]] * strength[j[k]];
    const double least = metriplectic::weigh(volume, n, s, pairs.dwdr.data() + first, w);
    if (!(least > 0.0))
      error->one(FLERR, "Two particles sit on each other at step {}: separate or remove one",
                 update->ntimestep);
    for (int k = 0; k < n; ++k) {
      density[i[k]] += w[k];
      density[j[k]] += w[k];
    }
  }
}

// Volume and equation of state of the owned particles.
template <class Energy, class Friction>
void PairMetriplectic::set_fields(Energy &energy, const Friction &friction)
{
  const double *S = entropies();
  double **v = atom->v;
  internal_energy = sliding_power = 0.0;
  for (int i = 0; i < atom->nlocal; ++i) {
    const double V = 1.0 / (density[i] + volume.self_weight);
    if (!positive(V)) stop(i, V, 0.0);
    Caloric at = energy(S[i], V);
    if (solid) at.U += elastic[i].U, at.T += elastic[i].T, at.dTdS += elastic[i].dTdS;
    const double pressure = at.P * V * V, size = std::fabs(at.U) + std::fabs(pressure) + std::fabs(at.dTdS);
    if (!positive(at.T) || !(size < VAST)) stop(i, V, at.T);
    fields[i] = {vector(v[i]), at.T, V, pressure, at.dTdS, friction.log_T(at.T)};
    internal_energy += at.U;
    if (eflag_atom) eatom[i] += at.U;
  }
}

// Ends the run, for what follows from such a state would be no number.
void PairMetriplectic::stop(int i, double V, double T) const
{
  error->one(FLERR,
             "Particle {} has entropy {}, volume {} and temperature {} at step {}, from which no forces "
             "follow: shorten the time step, or check start and potential file",
             atom->tag[i], entropies()[i], V, T, update->ntimestep);
}

template <class Friction> void PairMetriplectic::set_forces(Friction &friction)
{
  double **v = atom->v;
  for (int i = atom->nlocal; i < atom->nlocal + atom->nghost; ++i) {
    fields[i].v = vector(v[i]);
    fields[i].log_T = friction.log_T(fields[i].T);
  }
  for (std::size_t first = 0; first < pairs.count; first += BLOCK)
    force_block(friction, first, std::min(first + BLOCK, pairs.count));
}

template <class Friction>
void PairMetriplectic::force_block(Friction &friction, std::size_t begin, std::size_t end)
{
  const int n = int(end - begin);
  const int *i = pairs.i.data() + begin, *j = pairs.j.data() + begin;
  double *x = pairs.x.data() + begin, *y = pairs.y.data() + begin, *z = pairs.z.data() + begin;
  const double *dwdr = pairs.dwdr.data() + begin, per_dt = 1.0 / constants.dt;
  const tagint *tag = atom->tag;
  PairBlock<Friction> block;
  block.n = n;
  std::copy_n(x, n, block.x), std::copy_n(y, n, block.y), std::copy_n(z, n, block.z);
  for (int k = 0; k < n; ++k) block.r[k] = std::sqrt(x[k] * x[k] + y[k] * y[k] + z[k] * z[k]);
  for (int k = 0; k < n; ++k) {
    block.i[k] = fields[i[k]], block.j[k] = fields[j[k]];
    block.tag_i[k] = std::uint32_t(tag[i[k]]), block.tag_j[k] = std::uint32_t(tag[j[k]]);
  }
  block.act(friction, {seed, std::uint64_t(update->ntimestep)}, constants);
  double slope[BLOCK], fx[BLOCK], fy[BLOCK], fz[BLOCK];
  set_psi_slopes(begin, n, block.r, slope);
  for (int k = 0; k < n; ++k) {
    const double along = pressure_force(block.i[k].pressure, block.j[k].pressure, dwdr[k]) - slope[k];
    const double per_r = along / block.r[k];
    fx[k] = per_r * x[k] + per_dt * block.px[k];
    fy[k] = per_r * y[k] + per_dt * block.py[k];
    fz[k] = per_r * z[k] + per_dt * block.pz[k];
  }
  for (int k = 0; k < n; ++k) {
    heat[i[k]] += block.to_i[k];
    heat[j[k]] += block.to_j[k];
  }
  std::copy_n(block.px, n, x), std::copy_n(block.py, n, y), std::copy_n(block.pz, n, z);
  hand_out(begin, n, fx, fy, fz);
}

// Without friction there is no noise and no heat: pressures and psi alone.
void PairMetriplectic::force_block(NoFriction &, std::size_t begin, std::size_t end)
{
  const int n = int(end - begin);
  const int *i = pairs.i.data() + begin, *j = pairs.j.data() + begin;
  const double *x = pairs.x.data() + begin, *y = pairs.y.data() + begin, *z = pairs.z.data() + begin;
  const double *dwdr = pairs.dwdr.data() + begin;
  double r[BLOCK], slope[BLOCK], fx[BLOCK], fy[BLOCK], fz[BLOCK];
  for (int k = 0; k < n; ++k) r[k] = std::sqrt(x[k] * x[k] + y[k] * y[k] + z[k] * z[k]);
  set_psi_slopes(begin, n, r, slope);
  for (int k = 0; k < n; ++k) {
    const double along = pressure_force(fields[i[k]].pressure, fields[j[k]].pressure, dwdr[k]) - slope[k];
    const double per_r = along / r[k];
    fx[k] = per_r * x[k], fy[k] = per_r * y[k], fz[k] = per_r * z[k];
  }
  hand_out(begin, n, fx, fy, fz);
}

// psi' of the pairs of a block, zero where there is no pair energy; psi goes to the energies.
void PairMetriplectic::set_psi_slopes(std::size_t begin, int n, const double *r, double *slope)
{
  std::fill(slope, slope + n, 0.0);
  if (!pair_energy) return;
  const int *i = pairs.i.data() + begin, *j = pairs.j.data() + begin;
  double psi[BLOCK], sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int k = 0; k < n; ++k) {
    const PairEnergy::Value at = (*pair_energy)(r[k]);
    const double s = strength[i[k]] * strength[j[k]];
    slope[k] = s * at.dpsidr;
    psi[k] = s * at.psi;
    sum += psi[k];
  }
  internal_energy += sum;
  if (!eflag_atom) return;
  for (int k = 0; k < n; ++k) {
    eatom[i[k]] += 0.5 * psi[k];
    eatom[j[k]] += 0.5 * psi[k];
  }
}

// The forces of a block to both ends of its pairs.
void PairMetriplectic::hand_out(std::size_t begin, int n, const double *fx, const double *fy,
                                const double *fz)
{
  const int *i = pairs.i.data() + begin, *j = pairs.j.data() + begin;
  double **f = atom->f;
  for (int k = 0; k < n; ++k) {
    double *f_i = f[i[k]], *f_j = f[j[k]];
    f_i[0] += fx[k], f_i[1] += fy[k], f_i[2] += fz[k];
    f_j[0] -= fx[k], f_j[1] -= fy[k], f_j[2] -= fz[k];
  }
  if (!sliding.empty())
    for (int k = 0; k < n; ++k) sliding_power += dot({fx[k], fy[k], fz[k]}, sliding[j[k]]);
  if (!vflag_atom) return;
  double **at = atom->x;
  for (int k = 0; k < n; ++k) {
    const Vector r_ij = vector(at[i[k]]) - vector(at[j[k]]);
    ev_tally_xyz(i[k], j[k], atom->nlocal, 1, 0.0, 0.0, fx[k], fy[k], fz[k], r_ij.x, r_ij.y,
                 r_ij.z);
  }
}

// -1/4 p_ij . v'_ij to both: the other half of the work of friction and noise (integrators.py).
void PairMetriplectic::add_end_heat()
{
  double **v = atom->v;
  for (std::size_t k = 0; k < pairs.count; ++k) {
    const int i = pairs.i[k], j = pairs.j[k];
    const Vector p = {pairs.x[k], pairs.y[k], pairs.z[k]};
    const double dissipated = -0.25 * dot(p, vector(v[i]) - vector(v[j]));
    heat[i] += dissipated;
    heat[j] += dissipated;
  }
}

bool PairMetriplectic::dissipates() const { return !std::holds_alternative<NoFriction>(friction); }

// What comes from outside of the pairs.

// Walls and traps: their energy is part of that of the particles, and their impulse comes from outside.
void PairMetriplectic::add_external_forces()
{
  external_force = {0.0, 0.0, 0.0};
  for (int i = 0; i < atom->nlocal; ++i) {
    const External::Value at = (*external)(atom->x[i]);
    double *f = atom->f[i];
    f[0] -= at.gradient.x, f[1] -= at.gradient.y, f[2] -= at.gradient.z;
    external_force = external_force - at.gradient;
    internal_energy += at.phi;
    if (eflag_atom) eatom[i] += at.phi;
  }
}

// The noise of the bath is that of a pair with the particle 0, which nobody is. Forces of all fixes are
// known by now, and the step is that after the state.
Exchange PairMetriplectic::exchange(int i, Vector u) const
{
  const Fields &at = fields[i];
  const NoiseKey key = {seed, std::uint64_t(update->ntimestep - 1)};
  const Normals noise = pair_normals(key, 0, std::uint32_t(atom->tag[i]));
  const double *g = noise.n, root_dt = std::sqrt(constants.dt);
  const Vector dW = {root_dt * g[0], root_dt * g[1], root_dt * constants.z_motion * g[2]};
  const Vector K = constants.dt * vector(atom->f[i]);
  return exchanged((*bath)(at.V, at.T), bath->temperature(), at.v, u, K, side(at), dW, root_dt * g[3],
                   constants);
}

// The elastic part: bonds of the undeformed configuration.

// The image of the other end of a bond that is nearest to owned particle i.
int PairMetriplectic::other_end(int i, const ReferenceBond &bond) const
{
  const int j = atom->map(bond.other);
  if (j < 0)
    error->one(FLERR,
               "The bond of particles {} and {} reaches beyond the communication range {}: raise "
               "comm_modify cutoff",
               atom->tag[i], bond.other, comm->get_comm_cutoff());
  return domain->closest_image(i, j);
}

static Vector separation(double **x, int i, int j)
{
  return {x[i][0] - x[j][0], x[i][1] - x[j][1], x[i][2] - x[j][2]};
}

// Elastic energy and stress of every owned particle; stresses of ghosts.
void PairMetriplectic::set_strain()
{
  const double *S = entropies();
  elastic.resize(fields.size());
  for (int i = 0; i < atom->nlocal; ++i) {
    const int tag = atom->tag[i];
    if (tag > solid->size())
      error->one(FLERR, "Particle {} is not one of the {} of the undeformed solid", tag, solid->size());
    Neighbourhood sum;
    for (const ReferenceBond &bond : solid->bonds(tag))
      strain->add(bond, separation(atom->x, i, other_end(i, bond)), sum);
    elastic[i] = strain->energy(sum, solid->inverse(tag), S[i]);
  }
  message = Message::STRESS;
  comm->forward_comm(this);
}

// The forces of the bonds, each computed by the owner of its first end.
void PairMetriplectic::add_elastic_forces()
{
  for (int i = 0; i < atom->nlocal; ++i)
    for (const ReferenceBond &bond : solid->bonds(atom->tag[i])) {
      if (!bond.first) continue;
      const int j = other_end(i, bond);
      const Vector r_ij = separation(atom->x, i, j);
      const Vector f = strain->force(bond, r_ij, elastic[i].stress, elastic[j].stress);
      double *f_i = atom->f[i], *f_j = atom->f[j];
      f_i[0] += f.x, f_i[1] += f.y, f_i[2] += f.z;
      f_j[0] -= f.x, f_j[1] -= f.y, f_j[2] -= f.z;
      if (!sliding.empty()) sliding_power += dot(f, sliding[j]);
      if (vflag_atom)
        ev_tally_xyz(i, j, atom->nlocal, 1, 0.0, 0.0, f.x, f.y, f.z, r_ij.x, r_ij.y, r_ij.z);
    }
}

// Messages between ranks.

// How much faster than a particle of this group mask its image moves, `pbc` as messages between ranks
// give it.
Vector LAMMPS_NS::image_velocity(const Domain &domain, const int *pbc, int mask)
{
  if (!(mask & domain.deform_groupbit)) return {0.0, 0.0, 0.0};
  const double *rate = domain.h_rate;
  return {pbc[0] * rate[0] + pbc[5] * rate[5] + pbc[4] * rate[4], pbc[1] * rate[1] + pbc[3] * rate[3],
          pbc[2] * rate[2]};
}

bool LAMMPS_NS::too_far(const Domain &domain, double cutoff, const double *way)
{
  const auto far = [&](int k) {
    return !(std::fabs(way[k]) < (domain.periodicity[k] ? domain.prd[k] : 1000.0 * cutoff));
  };
  return far(0) || far(1) || far(2);
}

int PairMetriplectic::pack_forward_comm(int n, int *which, double *buf, int pbc_flag, int *pbc)
{
  if (message == Message::STRENGTH) {
    for (int k = 0; k < n; ++k) buf[k] = strength[which[k]];
    return n;
  }
  if (message == Message::SLIDING) {
    for (int k = 0; k < n; ++k, buf += 3) {
      Vector u = sliding[which[k]];
      if (pbc_flag) u = u + image_velocity(*domain, pbc, atom->mask[which[k]]);
      buf[0] = u.x, buf[1] = u.y, buf[2] = u.z;
    }
    return 3 * n;
  }
  if (message == Message::STRESS) {
    for (int k = 0; k < n; ++k, buf += 9)
      std::copy_n(&elastic[which[k]].stress.at[0][0], 9, buf);
    return 9 * n;
  }
  for (int k = 0; k < n; ++k, buf += 4) {
    const Fields &at = fields[which[k]];
    buf[0] = at.T, buf[1] = at.V, buf[2] = at.pressure, buf[3] = at.dTdS;
  }
  return 4 * n;
}

void PairMetriplectic::unpack_forward_comm(int n, int first, double *buf)
{
  if (message == Message::STRENGTH) {
    std::copy(buf, buf + n, strength.begin() + first);
    return;
  }
  if (message == Message::SLIDING) {
    for (int i = first; i < first + n; ++i, buf += 3) sliding[i] = {buf[0], buf[1], buf[2]};
    return;
  }
  if (message == Message::STRESS) {
    for (int i = first; i < first + n; ++i, buf += 9)
      std::copy_n(buf, 9, &elastic[i].stress.at[0][0]);
    return;
  }
  for (int i = first; i < first + n; ++i, buf += 4) {
    Fields &at = fields[i];
    at.T = buf[0], at.V = buf[1], at.pressure = buf[2], at.dTdS = buf[3];
  }
}

int PairMetriplectic::pack_reverse_comm(int n, int first, double *buf)
{
  std::copy(density.begin() + first, density.begin() + first + n, buf);
  return n;
}

void PairMetriplectic::unpack_reverse_comm(int n, int *which, double *buf)
{
  for (int k = 0; k < n; ++k) density[which[k]] += buf[k];
}

double PairMetriplectic::outside() const
{
  const auto count = [](const auto &closure) { return double(closure.outside()); };
  return std::visit(count, energy) + std::visit(count, friction);
}

// Networks evaluated beyond their tables are exact but slow, and the model was not trained there.
void PairMetriplectic::finish()
{
  double own = outside(), all = 0.0;
  MPI_Allreduce(&own, &all, 1, MPI_DOUBLE, MPI_SUM, world);
  if (all > 0.0 && comm->me == 0)
    error->warning(FLERR, "{:.0f} evaluations of networks beyond the range of their tables so far", all);
}

double PairMetriplectic::memory_usage()
{
  return Pair::memory_usage() + double(pairs.i.capacity()) * (2 * sizeof(int) + 4 * sizeof(double)) +
      double(fields.capacity()) * (sizeof(Fields) + 3 * sizeof(double));
}
