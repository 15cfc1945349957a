"""t-SNE (van der Maaten & Hinton 2008, Visualizing data using t-SNE, JMLR 9): its affinities and its exact gradient."""

from kernels.embedding.tsne_affinities import tsne_affinities
from kernels.embedding.tsne_gradient import tsne_gradient

__all__ = ["tsne_affinities", "tsne_gradient"]
