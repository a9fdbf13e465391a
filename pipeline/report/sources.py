"""The works that the methods paragraphs cite."""

from __future__ import annotations

from typing import NamedTuple


class Citation(NamedTuple):
    """A reference as printed, and its address."""

    text: str
    link: str


SOURCES = {
    "paper": Citation(
        "Q. Hernández, M. Win, T. O’Connor, P. E. Arratia, N. Trask: Data-driven particle "
        "dynamics: structure-preserving coarse-graining for emergent behavior in non-equilibrium "
        "systems (2025).",
        "https://arxiv.org/abs/2508.12569",
    ),
    "generic": Citation(
        "M. Grmela, H. C. Öttinger: Dynamics and thermodynamics of complex fluids. I. Phys. Rev. E "
        "56, 6620 (1997).",
        "https://doi.org/10.1103/PhysRevE.56.6620",
    ),
    "espanol": Citation(
        "P. Español, M. Revenga: Smoothed dissipative particle dynamics. Phys. Rev. E 67, 026705 "
        "(2003).",
        "https://doi.org/10.1103/PhysRevE.67.026705",
    ),
    "cve": Citation(
        "C. L. Vestergaard, P. C. Blainey, H. Flyvbjerg: Optimal estimation of diffusion "
        "coefficients from single-particle trajectories. Phys. Rev. E 89, 022726 (2014).",
        "https://doi.org/10.1103/PhysRevE.89.022726",
    ),
    "crocker": Citation(
        "J. C. Crocker, D. G. Grier: Methods of digital video microscopy for colloidal studies. J. "
        "Colloid Interface Sci. 179, 298 (1996).",
        "https://doi.org/10.1006/jcis.1996.0217",
    ),
    "trackpy": Citation(
        "D. B. Allan, T. Caswell, N. C. Keim, C. M. van der Wel, R. W. Verweij: trackpy.",
        "https://github.com/soft-matter/trackpy",
    ),
    "falk": Citation(
        "M. L. Falk, J. S. Langer: Dynamics of viscoplastic deformation in amorphous solids. Phys. "
        "Rev. E 57, 7192 (1998).",
        "https://doi.org/10.1103/PhysRevE.57.7192",
    ),
    "freud": Citation(
        "V. Ramasubramani et al.: freud: a software suite for high throughput analysis of particle "
        "simulation data. Comput. Phys. Commun. 254, 107275 (2020).",
        "https://doi.org/10.1016/j.cpc.2020.107275",
    ),
    "ovito": Citation(
        "A. Stukowski: Visualization and analysis of atomistic simulation data with OVITO. "
        "Modelling Simul. Mater. Sci. Eng. 18, 015012 (2010).",
        "https://doi.org/10.1088/0965-0393/18/1/015012",
    ),
    "h5md": Citation(
        "P. de Buyl, P. H. Colberg, F. Höfling: H5MD: a structured, efficient, and portable file "
        "format for molecular data. Comput. Phys. Commun. 185, 1546 (2014).",
        "https://doi.org/10.1016/j.cpc.2014.01.018",
    ),
    "nakamura": Citation(
        "T. Nakamura: Corrected score function for errors-in-variables models: methodology and "
        "application to generalized linear models. Biometrika 77, 127 (1990).",
        "https://doi.org/10.1093/biomet/77.1.127",
    ),
    "maity": Citation(
        "A. Maity, T. V. Apanasovich: Estimation via corrected scores in general semiparametric "
        "regression models with error-prone covariates. Electron. J. Stat. 5, 1424 (2011).",
        "https://doi.org/10.1214/11-EJS647",
    ),
    "eilers": Citation(
        "P. H. C. Eilers: A perfect smoother. Anal. Chem. 75, 3631 (2003).",
        "https://doi.org/10.1021/ac034173t",
    ),
    "gns": Citation(
        "A. Sanchez-Gonzalez et al.: Learning to simulate complex physics with graph networks. "
        "ICML (2020).",
        "https://arxiv.org/abs/2002.09405",
    ),
    "dpd": Citation(
        "R. D. Groot, P. B. Warren: Dissipative particle dynamics. J. Chem. Phys. 107, 4423 "
        "(1997).",
        "https://doi.org/10.1063/1.474784",
    ),
}
