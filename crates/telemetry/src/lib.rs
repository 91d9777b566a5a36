//! Log set-up and thin words over metrics.
