// What may stand in a potential file, and in the paths of driven particles, and in what ranges: the
// plugin and pipeline/lammps/potential.py, which reads the rows below, both check every file by it.
#ifndef METRIPLECTIC_POTENTIAL_ENTRIES_H
#define METRIPLECTIC_POTENTIAL_ENTRIES_H

namespace metriplectic {

// when      "": always there; "?": may be missing; "a": there if the word a is; "a=b|c": if a is b or c;
//           "D=2": in two dimensions; two conditions: if both hold
// kind      word        one of the words in shape; any if shape is empty
//           real        numbers in the range
//           whole       whole numbers in the range
//           direction   whole numbers from 1 to D
//           quantiles   numbers in the range that do not decrease
//           times       numbers in the range that increase
//           axis        low end, high end and number of equal intervals
//           radial      an axis from zero to the cutoff
//           ends        pairs of two different whole numbers from 1 to the n of the shape
//           network     weights and biases of a network; shape: its inputs > its outputs
// shape     factors of how many numbers there are: D is the dimension; a letter is any number from 1
//           on, the same in all entries of a closure; a name is the number of intervals of that axis
struct Entry {
  const char *name, *when, *kind, *shape;
  double low, high;
  const char *meaning;
};

constexpr Entry ENTRIES[] = {
    {"dimension", "", "whole", "1", 2, 3, "dimensions of space"},
    {"cutoff", "", "real", "1", 1e-6, 1e6, "distance beyond which pairs do not act [a]"},
    {"k_B", "", "real", "1", 1e-15, 1e15, "Boltzmann constant"},
    {"mass", "", "real", "1", 1e-15, 1e15, "mass of a particle"},
    {"anchor", "", "real", "1", 1e-15, 1e15, "temperature of driven particles"},
    {"gate", "", "real", "1", 1e-6, 1e300, "greatest friction rate of a pair [1 / step]"},
    {"strong", "", "whole", "1", 0, 1, "whether particles have strengths"},

    {"volume.taper", "", "whole", "1", 0, 3, "power of the cutoff factor"},
    {"volume.coefficients", "", "real", "k+3", -1e3, 1e2, "spline of the logarithm of the kernel"},
    {"volume.self", "", "real", "1", 1e-30, 1e30, "kernel of a particle with itself"},

    {"friction.kind", "", "word", "separable product none", 0, 0, "form of the friction"},
    {"friction.taper", "friction.kind=separable|product", "whole", "1", 0, 3, "power of the cutoff factor"},
    {"friction.volume_factor", "friction.kind=separable|product", "whole", "1", 0, 1,
     "whether V_i V_j is a factor"},
    {"friction.temperature", "friction.kind=separable|product", "real", "1", 1e-15, 1e15,
     "unit of temperature"},
    {"friction.volume", "friction.kind=separable|product", "real", "1", 1e-15, 1e15, "unit of volume [a^D]"},
    {"friction.coefficients", "friction.kind=separable", "real", "6 k+3", -1e3, 1e2,
     "splines of logarithms of amplitudes, then of powers of temperature"},
    {"friction.r", "friction.kind=product", "radial", "3", 0, 1e6, "distances of the table [a]"},
    {"friction.log_T", "friction.kind=product", "axis", "3", -1e3, 1e3,
     "logarithms of temperature of the table"},
    {"friction.table", "friction.kind=product", "real", "friction.r+3 friction.log_T+3 3", -1e15, 1e15,
     "networks of the amplitudes as a tensor spline"},
    {"friction.level", "friction.kind=product", "real", "3", 0, 1e15, "factors of the amplitudes"},
    {"friction.network.0", "friction.kind=product", "network", "2 > 1", -1e6, 1e6, "amplitude a"},
    {"friction.network.1", "friction.kind=product", "network", "2 > 1", -1e6, 1e6, "amplitude b"},
    {"friction.network.2", "friction.kind=product", "network", "2 > 1", -1e6, 1e6, "amplitude c"},

    {"energy.kind", "", "word", "exponentials network", 0, 0, "form of the equation of state"},
    {"energy.log_c", "energy.kind=exponentials", "real", "k", -1e3, 1e2, "logarithms of energies"},
    {"energy.alpha", "energy.kind=exponentials", "real", "k", 0, 1e3, "exponents of entropy [1 / k_B]"},
    {"energy.beta", "energy.kind=exponentials", "real", "k", 0, 1e3, "exponents of volume"},
    {"energy.volume", "energy.kind=exponentials", "real", "1", 1e-15, 1e15, "unit of volume [a^D]"},
    {"energy.S", "energy.kind=network", "axis", "3", -1e15, 1e15, "entropies of the table [k_B]"},
    {"energy.log_V", "energy.kind=network", "axis", "3", -1e3, 1e3,
     "logarithms of volume of the table"},
    {"energy.table", "energy.kind=network", "real", "energy.S+5 energy.log_V+5", -1e15, 1e15,
     "energy as a tensor spline"},
    {"energy.scales", "energy.kind=network", "real", "3", 1e-15, 1e15,
     "units of entropy, volume and temperature"},
    {"energy.network", "energy.kind=network", "network", "2 > 1", -1e6, 1e6, "energy"},

    {"strain.kind", "?", "word", "green paper", 0, 0, "form of the elastic energy of a solid"},
    {"strain.c", "strain.kind=green", "real", "k", 0, 1e15, "moduli of shear"},
    {"strain.bulk", "strain.kind=green", "real", "1", 0, 1e15, "modulus of compression"},
    {"strain.zigzag", "strain.kind=green", "real", "1", 0, 1e15, "modulus of what is not affine"},
    {"strain.bond", "strain.kind=paper", "network", "2 D > D D", -1e6, 1e6, "strain of a bond"},
    {"strain.energy", "strain.kind=paper", "network", "D > 1", -1e6, 1e6, "elastic energy"},
    {"solid.inverse", "strain.kind", "real", "n D D", -1e15, 1e15,
     "inverse moments of the undeformed bonds"},
    {"solid.weight", "strain.kind", "real", "b", 0, 1e6, "weights of the bonds"},
    {"solid.bonds", "strain.kind", "ends", "b 2", 1, 2147483647, "particles that the bonds join"},
    {"solid.r0", "strain.kind", "real", "b D", -1e6, 1e6, "undeformed bonds [a]"},

    {"pair_energy.kind", "?", "word", "splines", 0, 0, "form of the pair energy"},
    {"pair_energy.taper", "pair_energy.kind", "whole", "1", 0, 3, "power of the cutoff factor"},
    {"pair_energy.coefficients", "pair_energy.kind", "real", "k+3", -1e15, 1e15, "spline of the energy"},

    {"external.kind", "?", "word", "walls field walls_field", 0, 0, "form of the external potential"},
    {"external.axes", "external.kind=walls|walls_field", "direction", "k", 1, 3, "axes that end in walls"},
    {"external.low", "external.kind=walls|walls_field", "real", "k", -1e12, 1e12, "their lower ends [a]"},
    {"external.high", "external.kind=walls|walls_field", "real", "k", -1e12, 1e12, "their upper ends [a]"},
    {"external.reach", "external.kind=walls|walls_field", "real", "1", 1e-6, 1e12, "range of the walls [a]"},
    {"external.coefficients", "external.kind=walls|walls_field", "real", "2 k s+3", -1e15, 1e15,
     "splines of the walls' energies"},
    {"external.x", "external.kind=field|walls_field", "axis", "3", -1e12, 1e12, "places of the spline [a]"},
    {"external.y", "external.kind=field|walls_field", "axis", "3", -1e12, 1e12, "places of the spline [a]"},
    {"external.z", "external.kind=field|walls_field D=3", "axis", "3", -1e12, 1e12,
     "places of the spline [a]"},
    {"external.field", "external.kind=field|walls_field D=2", "real", "external.x+3 external.y+3", -1e15,
     1e15, "energy as a tensor spline"},
    {"external.field", "external.kind=field|walls_field D=3", "real",
     "external.x+3 external.y+3 external.z+3", -1e15, 1e15, "energy as a tensor spline"},

    {"bath.kind", "?", "word", "crowded active brownian", 0, 0, "form of the exchange with a medium"},
    {"bath.temperature", "bath.kind=crowded|brownian", "real", "1", 1e-15, 1e15,
     "temperature of the medium"},
    {"bath.rate", "bath.kind=crowded", "real", "1", -1e3, 1e3,
     "logit of the friction rate over 2 [time]"},
    {"bath.power", "bath.kind=crowded", "real", "1", -1e3, 1e3, "what ln V takes off it"},
    {"bath.volume", "bath.kind=crowded", "real", "1", 1e-15, 1e15, "unit of volume [a^D]"},
    {"bath.conductance", "bath.kind=crowded", "real", "1", 0, 1e15, "for heat [k_B / time]"},
    {"bath.friction", "bath.kind=active", "real", "1", -4, 4, "rate, below 0 where motion is fed [1 / time]"},
    {"bath.noise", "bath.kind=active", "real", "1", 1e-30, 1e15, "g^2"},
    {"bath.flow", "bath.kind", "word", "rest polynomial", 0, 0, "motion of the medium"},
    {"flow.time", "bath.flow=polynomial", "times", "t", -1e12, 1e12, "times since step 0 [time]"},
    {"flow.centre", "bath.flow=polynomial", "real", "D", -1e12, 1e12, "origin [a]"},
    {"flow.half", "bath.flow=polynomial", "real", "D", 1e-6, 1e12, "units of length [a]"},
    {"flow.powers", "bath.flow=polynomial", "whole", "k D", 0, 9, "exponents of the monomials"},
    {"flow.coefficients", "bath.flow=polynomial", "real", "t k D", -1e12, 1e12,
     "velocities of the monomials [a / time]"},

    {"law.entropy", "?", "quantiles", "k", -1e15, 1e15, "latent entropies of training [k_B]"},
    {"law.log_strength", "?", "quantiles", "k", -1e2, 1e2, "logarithms of strengths of training"},
    {"unit.length", "?", "word", "", 0, 0, "what a is"},
    {"unit.time", "?", "word", "", 0, 0, "what dt is"},
    {"provenance.folder", "?", "word", "", 0, 0, "folder of the model"},
    {"provenance.weights", "?", "word", "", 0, 0, "checksum of the weights"},
};

constexpr int MOST_INTERVALS = 4096;             // of an axis
constexpr double LEAST_WIDTH = 1e-9;             // of an axis, in units of 1 + |low end| + |high end|

// columns of the paths of driven particles
constexpr Entry PATH_ENTRIES[] = {
    {"step", "", "whole", "1", 0, 9e15, "time step of a snapshot"},
    {"atoms", "", "whole", "1", 1, 3e8, "number of particles of a snapshot"},
    {"id", "", "whole", "1", 1, 2147483647, "particle"},
    {"position", "", "real", "3", -1e12, 1e12, "unwrapped position [a]"},
    {"velocity", "", "real", "3", -1e12, 1e12, "velocity [a / dt]"},
};

}    // namespace metriplectic

#endif
