// Image files on their way to the kernel: what a camera makes is too large for a message, and no net needs it.

const LARGEST = 4e6; // bytes; Jupyter's server takes messages of ten megabytes
const SIDE = 1600; // pixels

/** The bytes to send for a file; a large image is made smaller. Rejects for what is no image. */
export async function imageBytes(file) {
  if (file.size <= LARGEST) return file.arrayBuffer();
  const picture = await createImageBitmap(file);
  const by = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.round(picture.width * by), Math.round(picture.height * by));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const small = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
  return small.arrayBuffer();
}
