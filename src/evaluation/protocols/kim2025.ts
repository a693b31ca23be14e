/**
 * The test of “Improving image-retrieval performance of foundation models in gastrointestinal endoscopic images” (Kim et al., Frontiers in
 * Medicine 2025, doi 10.3389/fmed.2025.1727884), as far as the paper and its published code tell.
 */
export const KIM2025 = {
  id: 'kim2025',
  title: 'Kim et al. 2025',
  /** What the paper reports. It gives no number of queries; 350 (a tenth of 3,500) fits both recalls. */
  reported: { 'recall@1': 0.9771, 'recall@5': 0.9914, mAP: 0.9674 },
  classes: ['esophagitis', 'pylorus', 'z-line', 'cecum', 'polyps', 'ulcerative-colitis', 'retroflex-stomach'],
  perClass: 500,
  /** Of 500: 400 train and serve as gallery, 50 choose the weights, 50 are asked. */
  shares: { train: 0.8, validation: 0.1, test: 0.1 },
  seed: 43,
} as const;

export type Kim2025Label = (typeof KIM2025.classes)[number];

/** What the paper leaves open, and what was taken. */
export const KIM2025_CHOICES: readonly string[] = [
  'Classes: the paper speaks of 3,500 pictures; its table begins with oesophagitis, normal pylorus and normal Z-line. Taken: the six classes of Kvasir that are not dyed, and retroflexed stomach of HyperKvasir, the seven with 500 pictures that fit.',
  'Pictures: 500 of each class, drawn (seed 43) from both data sets together. Files that are in both, byte for byte, count once.',
  'Degrees: oesophagitis A and B–D, and all grades of ulcerative colitis, count as one class each.',
  'Parts: 80 % train and gallery, 10 % validation, 10 % test (350 queries), class by class. That size of the test is inferred from the rounding of the two recalls.',
  'Held apart: neither data set publishes patients. The second split keeps pictures that look alike on one side; the paper does not mention anything of the kind.',
  'Training: what the published code defaults to where the paper is silent: LoRA rank 8, alpha 16, dropout 0.05 on qkv, proj, fc1, fc2 and, as its name pattern has it, the patch convolution; triplet loss on cosines with margin 0.6, semi-hard triplets within 0.3; AdamW, 1e-4, weight decay 1e-4; cosine schedule over 30 epochs; batches of 32; gradients clipped at 2; seed 43.',
  'Batches and augmentation: the published data loader is missing. Taken: batches with at least four pictures of a class, and no augmentation.',
  'Best weights: by Recall@1 on the validation pictures, where the published code takes its triplet loss.',
];

/** What the published code does and this program does not repeat. */
export const KIM2025_FAULTS: readonly string[] = [
  'Its DINOv2 branch loads 7 of 176 tensors: the names of the blocks differ (block chunks), and load_state_dict(strict=False) says nothing. All twelve blocks stay random and frozen. Here every tensor must be used, or the import fails.',
  'Even with matching names it has neither LayerScale nor registers, so that 24 scales and 4 registers would be dropped. Here both are part of the graph.',
  'GeM pooling is attached and never called; both branches answer with the class token. Here there is no pooling either.',
  'Its inference uses ReLU where its training used GELU, and leaves out the normalisation of each branch: another function than the one that was trained. Here both run one graph.',
  'Its training script passes an argument that the function does not take, its evaluation script reads an option under another name, its data loader is missing, and its requirements lack the libraries for LoRA and for the loss: it does not run as published.',
  'Its best weights are kept by reference, so that they are the last ones. Here they are copied.',
  'It resizes the position embeddings by a recipe of its own, which is neither of the two official ones. Here the official one is taken and named in the manifest.',
  'Nothing keeps pictures of one patient, or near-duplicates, on one side of the split. Here both figures are told.',
];
